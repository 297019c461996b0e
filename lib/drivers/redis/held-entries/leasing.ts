import { chunksOf } from '../../../core/collections/chunks.js';
import { compareEntryIds } from '../../entry-ids/entry-id.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../../../core/lease.js';
import { grouped } from '../../../core/collections/grouped.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { Commands } from '../connection/commands.js';
import type { CarefulFetch } from './careful-fetch.js';
import { LEAST_REPLY_BYTES, REPLY_BYTES } from './entry-sizes.js';
import type { RedisLease } from './redis.lease.js';
import { begin, type BeginReply } from './charge-run.script.js';
import { extend, EXTEND_AT_ONCE } from './extend.script.js';
import { release, uncharge } from './release.script.js';

/** What a consumer does with its leases, except settling them. */
export class Leasing {
  /** Bytes of entries that are being fetched. */
  private underWay = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly commands: Commands,
    private readonly events: EventBus,
    /** Fetches large entries before their runs are counted: the reply may break the connection. */
    private readonly fetch?: CarefulFetch,
  ) {}

  async begin(lease: RedisLease): Promise<BeginOutcome> {
    const known = lease.fields !== undefined;
    const reply = await (known ? this.charge(lease, known) : this.inTurn(lease));
    if (reply.word === 'started') {
      lease.attempt++;
      lease.charged = true;
      lease.offered = false;
      if (reply.fields) lease.load(reply.fields);
      return 'started';
    }
    if (reply.word === 'trimmed') this.reportTrimmed(lease);
    return reply.word === 'lost' ? 'lost' : 'gone';
  }

  async extend(leases: readonly RedisLease[]): Promise<ExtendOutcome[]> {
    const outcomes = await extendLeases(this.commands, leases);
    for (const [index, lease] of leases.entries()) {
      if (outcomes[index] !== 'trimmed') continue;
      lease.trimmed = true;
      this.reportTrimmed(lease);
    }
    return outcomes;
  }

  private charge(lease: RedisLease, fieldsKnown: boolean): Promise<BeginReply> {
    return this.commands.run(
      'charging a run',
      (client) => begin(client, lease.fence, fieldsKnown),
      lease.source.key,
    );
  }

  /** Fetches in turn: at a time no more replies with data than one reply may hold. */
  private async inTurn(lease: RedisLease): Promise<BeginReply> {
    const size = lease.fetched;
    while (this.underWay > 0 && this.underWay + size > REPLY_BYTES) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    this.underWay += size;
    try {
      if (!this.fetch || size < LEAST_REPLY_BYTES) return await this.charge(lease, false);
      const { source, entryId: id, attempt: count } = lease;
      const { found } = await this.fetch.fetch(source, [{ id, count }], size);
      // Where the data is gone, the server says what that means.
      if (found[0]) lease.load(found[0].fields);
      return await this.charge(lease, found.length > 0);
    } finally {
      this.underWay -= size;
      for (const resolve of this.waiting.splice(0)) resolve();
    }
  }

  private reportTrimmed(lease: RedisLease): void {
    const { group } = lease.holder;
    this.events.emit('trimmed', { stream: lease.stream, group, count: 1 });
  }
}

/** Keeps entries fresh that this consumer still owns, many in one script. */
export async function extendLeases(
  commands: Commands,
  leases: readonly RedisLease[],
): Promise<ExtendOutcome[]> {
  const outcomes = new Map<Lease, ExtendOutcome>();
  await Promise.all(
    batchesOf(leases).map(async (batch) => {
      const { key, group, consumer, guards } = batch[0]!.fence;
      const entries = batch.map((lease) => ({ id: lease.entryId, count: lease.attempt }));
      const words = await commands.run(
        'extending leases',
        (client) => extend(client, { key, group, consumer, entries, guards }),
        key,
      );
      for (const [index, lease] of batch.entries()) outcomes.set(lease, words[index]!);
    }),
  );
  return leases.map((lease) => outcomes.get(lease)!);
}

/** Gives an entry back. An unfinished run that was counted is taken back. */
export function releaseLease(commands: Commands, lease: RedisLease): Promise<SettleOutcome> {
  const leave = lease.charged ? lease.attempt - 1 : lease.attempt;
  return commands.run(
    'releasing an entry',
    (client) => release(client, lease.fence, leave),
    lease.source.key,
  );
}

/** Entries that cannot be given back now are taken over by other consumers later. */
export async function releaseAll(commands: Commands, leases: readonly RedisLease[]): Promise<void> {
  await Promise.all(leases.map((lease) => releaseLease(commands, lease).catch(() => undefined)));
}

/**
 * Takes back a run that was counted and has not begun. The entry stays pending to this consumer.
 */
export async function unchargeLease(commands: Commands, lease: RedisLease): Promise<SettleOutcome> {
  const outcome = await commands.run(
    'taking back a run',
    (client) => uncharge(client, lease.fence),
    lease.source.key,
  );
  if (outcome !== 'settled') return outcome;
  lease.attempt--;
  lease.charged = false;
  return outcome;
}

/** Batches of one key each, with a range of ids that does not block the server for long. */
function batchesOf(leases: readonly RedisLease[]): RedisLease[][] {
  const batches: RedisLease[][] = [];
  for (const same of grouped(leases, (lease) => lease.source.key).values()) {
    same.sort((a, b) => compareEntryIds(a.entryId, b.entryId));
    batches.push(...chunksOf(same, EXTEND_AT_ONCE));
  }
  return batches;
}
