import type { Clock } from '../../core/clock.js';
import type { Delivery } from '../../core/delivery.js';
import type { UnendedRun } from '../../core/run-events.js';
import type { EventBus } from '../../core/event-bus.js';

/** How long the end of a consumer waits for runs before it reports them, in milliseconds. */
const TELL_AFTER = 1000;

interface Waiting {
  readonly clock: Clock;
  readonly events: EventBus;
  readonly group: string;
  readonly held: Iterable<Delivery>;
}

/** Reports once which runs are still awaited. Call the returned function when the wait is over. */
export function tellAwaited(
  { clock, events, group, held }: Waiting,
  wanted: (delivery: Delivery) => boolean,
  atMost: number,
): () => void {
  if (atMost <= TELL_AFTER) return () => {};
  const timer = clock.setTimeout(() => {
    const runs = [...held].filter(wanted).map(described);
    if (runs.length > 0) events.emit('runs-awaited', { group, runs, atMost: atMost - TELL_AFTER });
  }, TELL_AFTER);
  return () => clock.clearTimeout(timer);
}

/** Reports runs that are no longer awaited. */
export function tellGivenUp(
  { events, group }: Pick<Waiting, 'events' | 'group'>,
  runs: readonly Delivery[],
): void {
  if (runs.length > 0) events.emit('runs-given-up', { group, runs: runs.map(described) });
}

function described({ stream, id, eventType, handler }: Delivery): UnendedRun {
  return { stream, id, eventType, handler: handler?.name };
}
