import { systemClock, type Clock } from './clock.js';
import { asError } from './errors/error-record.js';
import type { EventBus } from './event-bus.js';
import type { Fields, OutgoingEntry } from './message.js';
import type { PublishedEvent } from './message-events.js';

/** Publishes entries. Returns an id or an error for each. */
type Publish<E extends OutgoingEntry> = (entries: readonly E[]) => Promise<(string | Error)[]>;

/** What the event `published` needs. Without `events` it is not raised. */
export interface PublishedParts {
  readonly events?: EventBus | undefined;
  /** Reads the event type of an entry. */
  readonly codec: { eventType(fields: Fields, stream: string): string };
  /** @default the system's */
  readonly clock?: Clock;
}

/** Returns `publish`, which raises the event `published` for each entry, where anything listens. */
export function reported<E extends OutgoingEntry>(
  publish: Publish<E>,
  parts: PublishedParts,
  by: PublishedEvent['by'] = 'producer',
): Publish<E> {
  const { events, clock = systemClock } = parts;
  if (!events) return publish;
  return (entries) => (events.listened.has('published') ? andReport(entries) : publish(entries));

  async function andReport(entries: readonly E[]): ReturnType<Publish<E>> {
    const since = clock.now();
    const report = (results: readonly (string | Error)[]): void =>
      tellPublished(parts, entries, { by, results, duration: clock.now() - since });
    try {
      const results = await publish(entries);
      report(results);
      return results;
    } catch (error) {
      report(entries.map(() => asError(error)));
      throw error;
    }
  }
}

interface Outcome extends Pick<PublishedEvent, 'by'> {
  /** An id or an error for each entry. Undefined: all are published, and their ids are not known. */
  readonly results?: readonly (string | Error)[];
  /** Time until the source had answered, in milliseconds. @default 0 */
  readonly duration?: number;
}

/** Raises the event `published` for each of these entries, where anything listens. */
export function tellPublished(
  { events, codec }: PublishedParts,
  entries: readonly OutgoingEntry[],
  { by, results, duration = 0 }: Outcome,
): void {
  if (!events?.listened.has('published')) return;
  for (const [at, entry] of entries.entries()) {
    const result = results?.[at];
    events.emit('published', {
      stream: entry.stream,
      id: typeof result === 'string' ? result : undefined,
      eventType: eventTypeOf(entry, codec),
      by,
      delayed: entry.when !== undefined,
      messages: entries.length,
      duration,
      ...(result instanceof Error && { error: result }),
    });
  }
}

function eventTypeOf({ fields, stream }: OutgoingEntry, codec: PublishedParts['codec']): string {
  try {
    return codec.eventType(fields, stream);
  } catch {
    return '';
  }
}
