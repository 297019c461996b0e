import { compareEntryIds } from '../../core/entry-id.js';
import type { EventBus } from '../../core/events.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../../core/lease.js';
import { grouped } from '../../core/grouped.js';
import type { SettleOutcome } from '../../core/settlement.js';
import type { Commands } from './commands.js';
import type { RedisLease } from './redis.lease.js';
import { begin } from './scripts/begin.script.js';
import { extend, EXTEND_AT_ONCE } from './scripts/extend.script.js';
import { release, uncharge } from './scripts/release.script.js';

/** What a consumer does with its leases, apart from settling them. */
export class Leasing {
  constructor(
    private readonly commands: Commands,
    private readonly events: EventBus,
  ) {}

  async begin(lease: RedisLease): Promise<BeginOutcome> {
    const reply = await this.commands.run(
      'charging a run',
      (client) => begin(client, lease.fence),
      lease.source.key,
    );
    if (reply.word === 'started') {
      lease.attempt++;
      lease.charged = true;
      lease.offered = false;
      lease.load(reply.fields);
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

  private reportTrimmed(lease: RedisLease): void {
    const { group } = lease.holder;
    this.events.emit('trimmed', { stream: lease.stream, group, count: 1 });
  }
}

/** Keeps entries fresh that are still ours, many in one script. */
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

/** An unfinished run is not charged: what it had counted is taken back. */
export function releaseLease(commands: Commands, lease: RedisLease): Promise<SettleOutcome> {
  const leave = lease.charged ? lease.attempt - 1 : lease.attempt;
  return commands.run(
    'releasing an entry',
    (client) => release(client, lease.fence, leave),
    lease.source.key,
  );
}

/** A run that was counted and has not begun is taken back; the entry stays ours. */
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

/** One range of ids of one key each, small enough not to block the server for long. */
function batchesOf(leases: readonly RedisLease[]): RedisLease[][] {
  const batches: RedisLease[][] = [];
  for (const same of grouped(leases, (lease) => lease.source.key).values()) {
    same.sort((a, b) => compareEntryIds(a.entryId, b.entryId));
    for (let at = 0; at < same.length; at += EXTEND_AT_ONCE) {
      batches.push(same.slice(at, at + EXTEND_AT_ONCE));
    }
  }
  return batches;
}
