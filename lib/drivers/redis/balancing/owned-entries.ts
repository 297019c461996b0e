import type { EventBus } from '../../../core/events.js';
import type { Guard } from '../../../core/guard.js';
import type { Fields } from '../../../core/message.js';
import type { Commands } from '../commands.js';
import { PendingEntries } from '../pending-entries.js';
import { RedisLease, type LeaseHolder, type ReadKey } from '../redis.lease.js';
import { readGuarded } from '../scripts/read-guarded.script.js';
import { takePending } from '../scripts/take-pending.script.js';

export interface OwnedEntriesOptions {
  readonly commands: Commands;
  readonly events: EventBus;
  readonly guards: readonly Guard[];
  readonly holder: LeaseHolder;
  readonly source: ReadKey;
  /** Most entries of one read: they wait in memory, those of each stream. */
  readonly atOnce: () => number;
}

/** What came of reading. `after`: nothing is there; what comes next comes behind this id. */
export interface OwnedEntriesFound {
  readonly leases: readonly RedisLease[];
  readonly after?: string;
}

/** The entries of one key of an owned stream: first what the group has pending, then what is new. */
export class OwnedEntries {
  private readonly pending: PendingEntries;
  /** Everything that was pending up to here is taken over. */
  private takenUpTo: string | undefined;
  private takenOver = false;
  /** Leases that wait, from before everything was taken over anew. */
  private waiting = new Map<string, RedisLease>();

  constructor(private readonly options: OwnedEntriesOptions) {
    this.pending = new PendingEntries(options.commands, options.holder.group);
  }

  /**
   * Something may be pending to us that we do not know of: all of it is taken over anew, in its order.
   * @param waiting what has been handed out by `next` and not begun, which is handed out again
   */
  again(waiting: readonly RedisLease[] = []): void {
    this.takenOver = false;
    this.takenUpTo = undefined;
    this.waiting = new Map(waiting.map((lease) => [lease.entryId, lease]));
  }

  /** @returns undefined where the guards do not hold */
  next(): Promise<OwnedEntriesFound | undefined> {
    return this.takenOver ? this.readNew() : this.takeOver();
  }

  private async takeOver(): Promise<OwnedEntriesFound | undefined> {
    const { commands, events, guards, holder, source, atOnce } = this.options;
    const { key, stream } = source;
    const { group, consumer } = holder;
    const count = atOnce();
    const take = { key, group, consumer, guards, after: this.takenUpTo, count };
    const page = await commands.run(
      'taking over what is pending',
      (client) => takePending(client, take),
      key,
    );
    if (!page) return undefined;
    const known = (id: string, attempt: number): RedisLease | undefined => {
      const lease = this.waiting.get(id);
      return lease?.attempt === attempt ? lease : undefined;
    };
    const unknown = page.filter(({ id, count: attempt }) => !known(id, attempt));
    const { found, deleted } = await this.pending.fetch(key, unknown);
    const fetched = new Map(found.map((entry) => [entry.id, entry]));
    const leases = page.flatMap(({ id, count: attempt }) => {
      const entry = fetched.get(id);
      if (entry) return [new RedisLease(holder, source, id, attempt, false, entry.fields)];
      return known(id, attempt) ?? [];
    });
    this.takenUpTo = page.at(-1)?.id ?? this.takenUpTo;
    this.takenOver = page.length < count;
    if (this.takenOver) this.waiting.clear();
    if (found.length > 0) events.emit('reclaimed', { stream, group, count: found.length });
    if (deleted > 0) events.emit('trimmed', { stream, group, count: deleted });
    return { leases };
  }

  private async readNew(): Promise<OwnedEntriesFound | undefined> {
    const { commands, guards, holder, source, atOnce } = this.options;
    const args = [holder.group, holder.consumer, atOnce()];
    let reply: Found | null;
    try {
      reply = await commands.run(
        'reading an owned stream',
        async (client) => (await readGuarded.read(client, [source.key], args, guards)) as Found,
        source.key,
      );
    } catch (error) {
      // It may have been carried out: what it took is pending to us.
      this.again();
      throw error;
    }
    if (!reply) return undefined;
    const [batches, ids] = reply;
    if (!batches) return { leases: [], after: ids![0] ?? '0-0' };
    const entries = batches[0]?.[1] ?? [];
    return {
      leases: entries.map(([id, fields]) => new RedisLease(holder, source, id, 1, true, fields)),
    };
  }
}

type Found = [batches: [string, [id: string, fields: Fields][]][] | null, ids?: string[]];
