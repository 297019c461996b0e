import { RedisConnectionError } from '../errors/redis-connection.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { CarefulFetch } from '../held-entries/careful-fetch.js';
import type { EntrySizes } from '../held-entries/entry-sizes.js';
import type { HeldTable } from '../held-entries/held-table.js';
import type { PendingEntries, PendingEntry } from '../held-entries/pending-entries.js';
import type { ByteCapacity } from '../held-entries/read-budget.js';
import { RedisLease, type EntryHolder, type ReadKey } from '../held-entries/redis.lease.js';
import { LostReplies } from './lost-replies.js';

/** Most entries left pending by policy that one look checks. */
const LEFT_AT_A_LOOK = 100;

export interface AdoptionOptions {
  readonly holder: EntryHolder;
  readonly events: EventBus;
  readonly held: HeldTable;
  readonly entries: PendingEntries;
  readonly fetch: CarefulFetch;
  readonly streams: () => readonly ReadKey[];
  /**
   * Ids of entries that were handed to this consumer and wait. They are fetched as there is room.
   */
  readonly waiting: (source: ReadKey) => Promise<ReadonlySet<string>>;
  readonly byteCapacity: ByteCapacity;
  readonly sizes: EntrySizes;
  readonly add: (lease: RedisLease) => void;
  /** Called once all entries that were found are held. */
  readonly onHeld: () => void;
}

/** Makes what this process holds agree with what is pending to its consumer. */
export class Adoption {
  /** Entries that are pending to this consumer and not fetched yet. */
  readonly queued = new Map<ReadKey, readonly PendingEntry[]>();
  private fetching: Promise<void> | undefined;
  readonly lostReplies: LostReplies;

  constructor(private readonly options: AdoptionOptions) {
    this.lostReplies = new LostReplies(options);
  }

  /**
   * Holds entries whose runs are charged when they start. Their data is needed before, to find the
   * handler. Entries without room are fetched later, see {@link more}.
   */
  async holdUncharged(source: ReadKey, entries: readonly PendingEntry[]): Promise<void> {
    this.queue(source, entries);
    await this.fetchQueued();
  }

  private queue(source: ReadKey, entries: readonly PendingEntry[]): void {
    const queued = this.queued.get(source) ?? [];
    const known = new Set(queued.map(({ id }) => id));
    this.queued.set(source, [...queued, ...entries.filter(({ id }) => !known.has(id))]);
  }

  /** Call it when there may be room for more pending entries. */
  more(): void {
    if (this.queued.size > 0 && !this.fetching) void this.fetchQueued();
  }

  /**
   * Fetches these entries in their order, as many as fit into `bytes`: at least one.
   * @returns how many were not held, and the entries that did not fit
   */
  async hold(
    source: ReadKey,
    entries: readonly PendingEntry[],
    bytes: number,
  ): Promise<{ readonly count: number; readonly rest: readonly PendingEntry[] }> {
    const { holder, events, held, sizes, add } = this.options;
    // An offered entry that is found again was taken by another consumer and given up.
    for (const { id } of entries) {
      const known = held.get(source, id);
      if (known?.offered) held.remove(known);
    }
    const { fetch } = this.options;
    const unknown = entries.filter(
      ({ id }) => !held.get(source, id) && !fetch.isTooLarge(source, id),
    );
    if (unknown.length === 0) return { count: 0, rest: [] };
    const { found, deleted, rest } = await fetch.fetch(source, unknown, bytes);
    for (const { id, count, fields } of found) {
      if (!held.get(source, id)) add(new RedisLease(holder, source, id, count, false, fields));
    }
    sizes.learnOf(source.key, found);
    if (deleted > 0) {
      events.emit('trimmed', { stream: source.stream, group: holder.group, count: deleted });
    }
    this.options.onHeld();
    return { count: found.length, rest };
  }

  /** Takes up entries that are pending to this consumer and unknown here. */
  async adopt(source: ReadKey, minIdle: number): Promise<void> {
    await this.find(source, minIdle);
    await this.fetchQueued();
  }

  private async find(source: ReadKey, minIdle: number): Promise<void> {
    const { holder, events, held, entries } = this.options;
    const lost = this.lostReplies.of(source);
    const ours = await entries.pendingTo(holder.consumer, source.key, minIdle);
    if (ours.every(({ id }) => held.get(source, id))) return;
    const waiting = await this.options.waiting(source);
    const unknown = ours.filter(
      ({ id }) =>
        !held.get(source, id) && !waiting.has(id) && !this.options.fetch.isTooLarge(source, id),
    );
    if (unknown.length === 0) return;
    const { group } = holder;
    events.emit('adopted', { stream: source.stream, group, count: unknown.length });
    this.queue(source, lost ? await this.lostReplies.takeBack(source, unknown, lost) : unknown);
  }

  async adoptAll(): Promise<void> {
    await this.each(this.options.streams(), (source) => this.find(source, 0).then(() => true));
    await this.fetchQueued();
  }

  /** Forgets entries that were left pending by policy and are settled now. */
  async forgetLeft(source: ReadKey): Promise<void> {
    const { held, entries } = this.options;
    const left = held.left(source);
    if (left.length === 0) return;
    const some = left.slice(0, LEFT_AT_A_LOOK);
    const pending = await entries.stillPending(
      source.key,
      some.map((lease) => lease.entryId),
    );
    for (const lease of some) {
      held.remove(lease);
      // The entries to check next time stand at the head.
      if (pending.has(lease.entryId)) held.add(lease);
    }
  }

  /** Removes and returns entries that were not fetched, so that they can be given back. */
  takeQueued(which: (source: ReadKey) => boolean): RedisLease[] {
    const taken: RedisLease[] = [];
    for (const [source, entries] of this.queued) {
      if (!which(source)) continue;
      this.queued.delete(source);
      for (const { id, count } of entries) {
        taken.push(new RedisLease(this.options.holder, source, id, count, false, []));
      }
    }
    return taken;
  }

  private fetchQueued(): Promise<void> {
    this.fetching ??= this.each(this.queued.keys(), (source) => this.fetchOf(source)).finally(
      () => (this.fetching = undefined),
    );
    return this.fetching;
  }

  /** @returns whether there is room for the next key */
  private async fetchOf(source: ReadKey): Promise<boolean> {
    for (;;) {
      const queued = this.queued.get(source) ?? [];
      const bytes = this.options.byteCapacity.ofAdoption;
      if (queued.length === 0) break;
      if (bytes === 0) return false;
      const { rest } = await this.hold(source, queued, bytes);
      // More entries may have been queued meanwhile.
      const later = this.queued.get(source);
      if (later) this.queued.set(source, [...rest, ...later.slice(queued.length)]);
    }
    this.queued.delete(source);
    return true;
  }

  /**
   * Calls `step` for each key until it returns false. A key that fails is reported, and holds up no
   * others.
   */
  private async each(
    sources: Iterable<ReadKey>,
    step: (source: ReadKey) => Promise<boolean>,
  ): Promise<void> {
    for (const source of sources) {
      try {
        if (!(await step(source))) return;
      } catch (error) {
        this.options.events.emit('worker-error', { worker: 'adoption', error: error as Error });
        // No other key can be reached either. The next look finds the entries.
        if (error instanceof RedisConnectionError && error.outcome === 'not-sent') return;
      }
    }
  }
}
