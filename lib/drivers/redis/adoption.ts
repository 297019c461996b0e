import type { EventBus } from '../../core/events.js';
import type { HeldTable } from './held-table.js';
import type { PendingEntries, PendingEntry } from './pending-entries.js';
import { RedisLease, type LeaseHolder, type ReadKey } from './redis.lease.js';

/** Entries left pending by policy that are asked after at a look. */
const LEFT_AT_A_LOOK = 100;

export interface AdoptionOptions {
  readonly holder: LeaseHolder;
  readonly events: EventBus;
  readonly held: HeldTable;
  readonly entries: PendingEntries;
  readonly streams: () => readonly ReadKey[];
  /** Entries that were handed over to us and wait: fetched as there is room. */
  readonly waiting: (source: ReadKey) => Promise<ReadonlySet<string>>;
  readonly hold: (lease: RedisLease) => void;
  /** Told once all that was found is held. */
  readonly onHeld: () => void;
}

/** Brings what is pending to a consumer and what its process holds into line. */
export class Adoption {
  constructor(private readonly options: AdoptionOptions) {}

  /**
   * Their runs are charged when they start; their data is needed before, to find the handler.
   * @returns how many were not held
   */
  async holdUncharged(source: ReadKey, entries: readonly PendingEntry[]): Promise<number> {
    const { holder, events, held, hold } = this.options;
    // What was offered to others and is found again was taken by one of them, and given up.
    for (const { id } of entries) {
      const known = held.get(source, id);
      if (known?.offered) held.remove(known);
    }
    const unknown = entries.filter(({ id }) => !held.get(source, id));
    const { found, deleted } = await this.options.entries.fetch(source.key, unknown);
    for (const { id, count, fields } of found) {
      if (!held.get(source, id)) hold(new RedisLease(holder, source, id, count, false, fields));
    }
    if (deleted > 0) {
      events.emit('trimmed', { stream: source.stream, group: holder.group, count: deleted });
    }
    this.options.onHeld();
    return found.length;
  }

  /** Takes up what is pending to us without our knowing of it. */
  async adopt(source: ReadKey, minIdle: number): Promise<void> {
    const { holder, events, held, entries } = this.options;
    const ours = await entries.pendingTo(holder.consumer, source.key, minIdle);
    if (ours.every(({ id }) => held.get(source, id))) return;
    const waiting = await this.options.waiting(source);
    const unknown = ours.filter(({ id }) => !held.get(source, id) && !waiting.has(id));
    if (unknown.length === 0) return;
    const { group } = holder;
    events.emit('adopted', { stream: source.stream, group, count: unknown.length });
    await this.holdUncharged(source, unknown);
  }

  async adoptAll(): Promise<void> {
    try {
      for (const source of this.options.streams()) await this.adopt(source, 0);
    } catch (error) {
      // The next look finds them too.
      this.options.events.emit('worker-error', { worker: 'adoption', error: error as Error });
    }
  }

  /** What was left pending by policy need not be remembered once it is settled. */
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
      // Those that are asked for next time stand at the head.
      if (pending.has(lease.entryId)) held.add(lease);
    }
  }
}
