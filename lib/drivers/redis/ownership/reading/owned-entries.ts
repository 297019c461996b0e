import { compareEntryIds } from '../../../entry-ids/entry-id.js';
import { systemClock } from '../../../../core/clock.js';
import type { EventBus } from '../../../../core/event-bus.js';
import type { Guard } from '../../../../core/guard.js';
import type { Commands } from '../../connection/commands.js';
import { AT_ONCE, isBroken } from '../../held-entries/careful-fetch.js';
import type { EntrySizes } from '../../held-entries/entry-sizes.js';
import { PendingEntries } from '../../held-entries/pending-entries.js';
import { RedisLease, type EntryHolder, type ReadKey } from '../../held-entries/redis.lease.js';
import { readOwned } from './read-owned.script.js';
import { takePending, type TakenEntry } from '../../held-entries/take-pending.script.js';

export interface OwnedEntriesOptions {
  readonly commands: Commands;
  readonly events: EventBus;
  readonly guards: readonly Guard[];
  readonly holder: EntryHolder;
  readonly source: ReadKey;
  readonly sizes: EntrySizes;
  /** Maximum of entries of one read. The entries of each stream wait in memory. */
  readonly atOnce: () => number;
  /** Maximum of new entries of one read. Those behind the first begin without asking the server. */
  readonly readAhead: () => number;
  /** Whether this consumer still owns the stream, where the guards do not tell. */
  readonly confirm: () => Promise<boolean>;
}

/** The result of a read. `after`: nothing is there, and the next entry comes behind this id. */
export interface OwnedEntriesFound {
  readonly leases: readonly RedisLease[];
  readonly after?: string;
}

/**
 * Reads the entries of one key of an owned stream: first those that the group has pending, then new
 * ones.
 */
export class OwnedEntries {
  private readonly pending: PendingEntries;
  /** All entries that were pending up to this id are taken over. */
  private takenUpTo: string | undefined;
  private takenOver = false;
  /** Leases that still wait from before the pending entries were taken over again. */
  private waiting = new Map<string, RedisLease>();
  /** Entries left pending to this consumer by policy. They are not handed out again. */
  private readonly left = new Set<string>();
  /** The reply of the last read was lost: the runs that the server counted did not begin. */
  private replyLost = false;
  /** The highest id handed out. */
  private begunUpTo = '0-0';

  constructor(private readonly options: OwnedEntriesOptions) {
    this.pending = new PendingEntries(options.commands, options.holder.group);
  }

  /**
   * Takes over all pending entries again, in their order. Called where an entry that this process
   * does not know of may be pending to this consumer.
   * @param waiting leases that `next` has handed out and that have not begun. They are handed out
   * again.
   */
  again(waiting: readonly RedisLease[] = []): void {
    this.takenOver = false;
    this.takenUpTo = undefined;
    this.replyLost = false;
    this.waiting = new Map(waiting.map((lease) => [lease.entryId, lease]));
  }

  begun({ entryId }: RedisLease): void {
    if (compareEntryIds(entryId, this.begunUpTo) > 0) this.begunUpTo = entryId;
  }

  leave({ entryId }: RedisLease): void {
    this.left.add(entryId);
  }

  /** @returns undefined where the guards do not hold */
  next(): Promise<OwnedEntriesFound | undefined> {
    return this.takenOver ? this.readNew() : this.takeOver();
  }

  /**
   * Takes over what other consumers have pending, and nothing else.
   * @returns undefined where the guards do not hold; no leases where other consumers have nothing
   * more
   */
  async nextOfOthers(): Promise<OwnedEntriesFound | undefined> {
    for (this.again(); !this.takenOver;) {
      const page = await this.takePage();
      if (!page) return undefined;
      const found = await this.leasesOf(page.filter((row) => this.isOfOthers(row)));
      if (found.length > 0) return { leases: found };
    }
    return { leases: [] };
  }

  private async takeOver(): Promise<OwnedEntriesFound | undefined> {
    const { takenUpTo } = this;
    const page = await this.takePage();
    if (!page) return undefined;
    const rows = page.filter((row) => this.isOfOthers(row) || !this.left.has(row.id));
    try {
      const leases = await this.leasesOf(await this.takeBackLost(rows));
      if (this.takenOver) {
        this.waiting.clear();
        this.replyLost = false;
      }
      return { leases };
    } catch (error) {
      // Takes the page over again.
      this.takenUpTo = takenUpTo;
      this.takenOver = false;
      throw error;
    }
  }

  /** Takes back the runs that the server counted for a lost reply. */
  private async takeBackLost(rows: readonly TakenEntry[]): Promise<readonly TakenEntry[]> {
    if (!this.replyLost) return rows;
    const { holder, source, guards } = this.options;
    const lost = rows.filter(
      (row) => row.count === 1 && !this.isOfOthers(row) && !this.waiting.has(row.id),
    );
    if (lost.length === 0) return rows;
    const owner = { consumer: holder.consumer, guards };
    const back = await this.pending.uncharge(source.key, lost, owner);
    const counts = new Map(back.map(({ id, count }) => [id, count]));
    return rows.map((row) => ({ ...row, count: counts.get(row.id) ?? row.count }));
  }

  private async takePage(): Promise<TakenEntry[] | undefined> {
    const { commands, guards, holder, source, atOnce, confirm } = this.options;
    const { group, consumer } = holder;
    if (!(await confirm())) return undefined;
    const count = atOnce();
    const take = { key: source.key, group, consumer, guards, after: this.takenUpTo, count };
    const page = await commands
      .run('taking over what is pending', (client) => takePending(client, take), source.key)
      .catch((error: unknown) => {
        // The entries taken from other consumers can no longer be told apart from those that the
        // read has counted.
        if (isBroken(error)) this.replyLost = false;
        throw error;
      });
    if (!page) return undefined;
    this.takenUpTo = page.at(-1)?.id ?? this.takenUpTo;
    this.takenOver = page.length < count;
    return page;
  }

  private async leasesOf(rows: readonly TakenEntry[]): Promise<RedisLease[]> {
    const { events, holder, source, sizes } = this.options;
    const { key, stream } = source;
    const { group } = holder;
    const known = ({ id, count }: TakenEntry): RedisLease | undefined => {
      const lease = this.waiting.get(id);
      return lease?.attempt === count ? lease : undefined;
    };
    const unknown = rows.filter((row) => !known(row));
    const { found, deleted } = await this.pending.fetchAll(key, unknown, sizes.replyBytes);
    sizes.learnOf(key, found);
    const fetched = new Map(found.map((entry) => [entry.id, entry]));
    if (found.length > 0) events.emit('reclaimed', { stream, group, count: found.length });
    if (deleted > 0) events.emit('trimmed', { stream, group, count: deleted });
    this.tellOfLate(found.map(({ id }) => rows.find((row) => row.id === id)!));
    return rows.flatMap((row) => {
      const entry = fetched.get(row.id);
      if (!entry) return known(row) ?? [];
      return [new RedisLease(holder, source, row.id, row.count, false, entry.fields)];
    });
  }

  /** Reports entries of another consumer that were found after later ones had begun. */
  private tellOfLate(rows: readonly TakenEntry[]): void {
    const { events, holder, source } = this.options;
    const late = rows.filter(
      (row) => this.isOfOthers(row) && compareEntryIds(row.id, this.begunUpTo) < 0,
    );
    if (late.length === 0 || source.redriven) return;
    const { stream } = source;
    events.emit('order-broken', { stream, group: holder.group, count: late.length });
  }

  private isOfOthers({ from }: TakenEntry): boolean {
    return from !== this.options.holder.consumer;
  }

  private async readNew(): Promise<OwnedEntriesFound | undefined> {
    const { commands, guards, holder, source, sizes, readAhead } = this.options;
    const { group, consumer } = holder;
    const reading = { key: source.key, group, consumer, guards, count: readAhead() };
    const sentAt = systemClock.now();
    try {
      const read = await commands.run(
        'reading an owned stream',
        (client) => readOwned(client, reading),
        source.key,
      );
      if (!read) return undefined;
      if (read.word === 'none') return { leases: [], after: read.after };
      if (read.word === 'found') {
        const { entries } = read;
        sizes.learnOf(
          source.key,
          entries.map(([, fields]) => ({ fields })),
        );
        const leases = entries.map(
          ([id, fields]) => new RedisLease(holder, source, id, 1, true, fields),
        );
        return { leases };
      }
    } catch (error) {
      // The server may have carried the read out: the entries that it took are then pending to this
      // consumer.
      this.again();
      this.replyLost = isBroken(error);
      if (this.replyLost && systemClock.now() - sentAt < AT_ONCE) {
        sizes.replyBroke();
        sizes.readBroke([source.key], reading.count);
      }
      throw error;
    }
    this.again();
    return this.takeOver();
  }
}
