import { systemClock } from '../../../core/clock.js';
import type { HeldTable } from '../held-entries/held-table.js';
import type { IdleEntry, PendingEntries, PendingEntry } from '../held-entries/pending-entries.js';
import type { EntryHolder, ReadKey } from '../held-entries/redis.lease.js';
import type { TakenEntry } from '../held-entries/take-pending.script.js';

/** Error of comparing the clocks of two machines, including the way of a reply, in milliseconds. */
const INEXACT = 1000;

/** When the lost reply was requested, and when it was found to be lost. */
export interface LostReply {
  readonly from: number;
  readonly to: number;
}

export interface LostRepliesOptions {
  readonly holder: EntryHolder;
  readonly held: HeldTable;
  readonly entries: PendingEntries;
}

/** Takes back the runs that were counted by reads whose replies were lost: these runs did not begin. */
export class LostReplies {
  private readonly lost = new Map<ReadKey, LostReply>();

  constructor(private readonly options: LostRepliesOptions) {}

  /** Call it when a read of these keys, sent at `from`, was lost with its reply. */
  add(sources: readonly ReadKey[], from: number): void {
    const to = systemClock.now();
    for (const source of sources) this.lost.set(source, { from, to });
  }

  /** The lost reply of a key whose entries are still to be found. */
  of(source: ReadKey): LostReply | undefined {
    return this.lost.get(source);
  }

  /** Call it when all pending entries are held. */
  foundAll(source: ReadKey): void {
    this.lost.delete(source);
  }

  /** Takes back the counts of entries that were read when the reply was lost, by their idle time. */
  async takeBack(
    source: ReadKey,
    entries: readonly IdleEntry[],
    lost: LostReply,
  ): Promise<readonly PendingEntry[]> {
    const now = systemClock.now();
    const [least, most] = [now - lost.to - INEXACT, now - lost.from + INEXACT];
    const back = await this.uncharge(
      source,
      entries,
      ({ count, idle }) => count === 1 && idle >= least && idle <= most,
    );
    // Another reply may have been lost meanwhile.
    if (this.lost.get(source) === lost) this.lost.delete(source);
    return back;
  }

  /** Under guards every entry belongs to this consumer, so its count alone is enough. */
  async takeBackGuarded(
    source: ReadKey,
    entries: readonly TakenEntry[],
  ): Promise<readonly PendingEntry[]> {
    if (!this.lost.has(source)) return entries;
    const { holder, held } = this.options;
    return this.uncharge(
      source,
      entries,
      ({ id, from, count }) => count === 1 && from === holder.consumer && !held.get(source, id),
    );
  }

  private async uncharge<T extends PendingEntry>(
    source: ReadKey,
    entries: readonly T[],
    which: (entry: T) => boolean,
  ): Promise<readonly PendingEntry[]> {
    const { holder } = this.options;
    const counted = entries.filter(which);
    if (counted.length === 0) return entries;
    const back = await this.options.entries.uncharge(source.key, counted, holder);
    const counts = new Map(back.map(({ id, count }) => [id, count]));
    return entries.map(({ id, count }) => ({ id, count: counts.get(id) ?? count }));
  }
}
