import type { DelayedEntry, DelayedPage, DelayStore, Promoted } from '../../ports/delays.js';
import type { Fields, When } from '../../core/message.js';
import { compareDelayed } from './broker/delayed-entries.js';
import type { MemoryBroker } from './broker/memory.broker.js';
import type { MemoryStream } from './broker/memory-stream.js';
import { problemOf } from './memory.source.js';

/** The delayed messages of a broker. */
export class MemoryDelays implements DelayStore {
  constructor(
    private readonly broker: MemoryBroker,
    private readonly keyPrefix: string,
  ) {}

  async schedule(entries: readonly DelayedEntry[]): Promise<(string | Error)[]> {
    return entries.map((entry) => problemOf(entry) ?? this.scheduleOne(entry));
  }

  async promote(streams: readonly string[]): Promise<Promoted[]> {
    const { clock } = this.broker;
    const promoted = streams.map((stream) => {
      const data = this.stream(stream);
      const append = (fields: Fields) => data.append(fields, clock.wallTime());
      return data.delayed.promote(clock.now(), append);
    });
    if (promoted.some(({ moved }) => moved > 0)) this.broker.wake();
    return promoted;
  }

  async list(stream: string, limit: number, after?: string): Promise<DelayedPage> {
    const all = this.stream(stream).delayed.inOrder;
    const end = after === undefined ? undefined : placeOf(after);
    const rest = end ? all.filter((entry) => compareDelayed(entry, end) > 0) : all;
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    const { clock } = this.broker;
    const [now, wallTime] = [clock.now(), clock.wallTime()];
    const items = page.map((entry) => ({
      ...entry,
      dueAt: wallTime + Math.round(entry.dueAt - now),
    }));
    return { items, ...(rest.length > limit && last && { next: `${last.dueAt}/${last.id}` }) };
  }

  async count(stream: string): Promise<number> {
    return this.stream(stream).delayed.inOrder.length;
  }

  async cancel(stream: string, id: string): Promise<boolean> {
    return this.stream(stream).delayed.cancel(id);
  }

  async reschedule(stream: string, id: string, when: When): Promise<boolean> {
    const found = this.stream(stream).delayed.reschedule(id, this.broker.dueAt(when));
    if (found) this.broker.announce(this.keyPrefix + stream);
    return found;
  }

  watch(onScheduled: (stream: string) => void): () => void {
    return this.broker.watchDelays((key) => {
      if (key.startsWith(this.keyPrefix)) onScheduled(key.slice(this.keyPrefix.length));
    });
  }

  private scheduleOne({ stream, fields, when, idempotency }: DelayedEntry): string {
    const { broker, keyPrefix } = this;
    const { published } = this.stream(stream);
    const first = idempotency && published.find(idempotency.key);
    if (first !== undefined) return first;
    const id = broker.delay(keyPrefix + stream, fields, when);
    // The window begins when the message is due.
    const wait = Math.max(0, broker.dueAt(when) - broker.clock.now());
    if (idempotency) published.remember(idempotency, id, wait);
    return id;
  }

  private stream(stream: string): MemoryStream {
    return this.broker.stream(this.keyPrefix + stream);
  }
}

/** Due time and id of the last entry of a page, as `next` gives them. */
function placeOf(after: string): { dueAt: number; id: string } {
  const at = after.indexOf('/');
  return { dueAt: Number(after.slice(0, at)), id: after.slice(at + 1) };
}
