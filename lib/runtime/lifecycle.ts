import type { Readers } from '../consuming/reading/readers.js';
import type { Reading } from '../consuming/subscription-registry.js';
import type { Clock } from '../core/clock.js';
import { grouped } from '../core/collections/grouped.js';
import type { EventBus } from '../core/event-bus.js';
import type { StreamsEvents } from '../core/events.js';

export interface LifecycleOptions {
  readonly events: EventBus;
  readonly clock: Pick<Clock, 'now'>;
  readonly readers: Readers;
}

/** Raises the events `started`, `ready`, `stopping` and `stopped` of a transport, each once. */
export class Lifecycle {
  /** Engine time of `started`, in milliseconds. Undefined before. */
  private since: number | undefined;

  constructor(private readonly options: LifecycleOptions) {}

  /** Call it once the handlers are bound and their groups exist. */
  started(consumers: StreamsEvents['started']['consumers']): void {
    const { events, clock, readers } = this.options;
    if (this.since !== undefined) return;
    const since = (this.since = clock.now());
    events.emit('started', { consumers });
    readers.onceAllRead(() => events.emit('ready', { after: clock.now() - since }));
  }

  /** Call it when the end begins. @param ended settles when no run is awaited any more */
  stopping(ended: Promise<unknown>): void {
    const { events, clock, readers } = this.options;
    if (this.since === undefined) return;
    readers.onceAllRead(undefined);
    const since = clock.now();
    const stopped = (): void => events.emit('stopped', { after: clock.now() - since });
    ended.then(stopped, stopped);
    events.emit('stopping', { after: since - this.since });
  }
}

/** The groups that read, each with its streams. */
export const streamsByGroup = (
  readings: readonly Reading[],
): StreamsEvents['started']['consumers'] =>
  [...grouped(readings, ({ table }) => table.group)].map(([group, of]) => ({
    group,
    streams: of.map(({ table }) => table.stream),
  }));
