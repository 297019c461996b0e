import type { DeadLetterRecord } from '../../core/dead-letters.js';
import type { SettleOutcome } from '../../core/settlement.js';
import type { Settling } from '../../core/source.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { extendLeases, releaseLease } from './leasing.js';
import { ORIGIN_ELEMENTS, type ReadKey, type RedisLease } from './redis.lease.js';
import { isWrongType } from './reply-errors.js';
import { ackAndPublish } from './scripts/ack-and-publish.script.js';
import { ackRedriven } from './scripts/ack-redriven.script.js';
import { deadLetter } from './scripts/dead-letter.script.js';

type Outcome = SettleOutcome | Error;

/** Carries out a batch: plain acks as one XACK per key, retries in one script, the rest in one each. */
export async function settleAll(
  batch: readonly Settling[],
  commands: Connection,
  keys: Keys,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = new Array<Outcome>(batch.length);
  const acks = new Map<ReadKey, number[]>();
  const retries: number[] = [];
  const others: Promise<void>[] = [];
  for (let index = 0; index < batch.length; index++) {
    const settling = batch[index]!;
    if (isPlainAck(settling)) {
      const { source } = settling.lease as RedisLease;
      const same = acks.get(source);
      if (same) same.push(index);
      else acks.set(source, [index]);
    } else if (settling.settlement.kind === 'retry') {
      retries.push(index);
    } else {
      others.push(
        settleOne(settling, commands, keys).then((outcome) => void (outcomes[index] = outcome)),
      );
    }
  }
  const leasesOf = (indexes: readonly number[]): RedisLease[] =>
    indexes.map((index) => batch[index]!.lease as RedisLease);
  const together = [...acks.values()].map(async (indexes) => {
    const outcome = await ackTogether(leasesOf(indexes), commands);
    for (const index of indexes) outcomes[index] = outcome;
  });
  if (retries.length > 0) {
    const kept = keepForRetry(leasesOf(retries), commands).then((found) => {
      for (const [place, index] of retries.entries()) outcomes[index] = found[place]!;
    });
    together.push(kept);
  }
  await Promise.all([...together, ...others]);
  return outcomes;
}

const isPlainAck = ({ settlement }: Settling): boolean =>
  settlement.kind === 'ack' && !settlement.publish?.length;

/** The work is done, whoever owns the entries now: no fence. */
async function ackTogether(leases: readonly RedisLease[], commands: Connection): Promise<Outcome> {
  const { source, holder } = leases[0]!;
  const ids = leases.map((lease) => lease.entryId);
  try {
    await commands.run(
      'acknowledging',
      async (client) => {
        if (source.redriven) await ackRedriven(client, source.key, holder.group, ids);
        else await client.xack(source.key, holder.group, ...ids);
      },
      source.key,
    );
  } catch (error) {
    if (!(error instanceof Error && isWrongType(error.cause))) return error as Error;
  }
  for (const lease of leases) holder.settled(lease);
  return 'settled';
}

/** They stay pending to us, and fresh, until they are run again. */
async function keepForRetry(
  leases: readonly RedisLease[],
  commands: Connection,
): Promise<Outcome[]> {
  try {
    const words = await extendLeases(commands, leases);
    return leases.map((lease, index) => {
      if (words[index] !== 'held') return words[index] === 'lost' ? 'lost' : 'gone';
      lease.charged = false;
      return 'settled';
    });
  } catch (error) {
    return leases.map(() => error as Error);
  }
}

async function settleOne(settling: Settling, commands: Connection, keys: Keys): Promise<Outcome> {
  const lease = settling.lease as RedisLease;
  try {
    const outcome = await carryOut(settling, lease, commands, keys);
    if (outcome === 'settled') {
      lease.holder.settled(lease);
      // Its record is gone, so a second time there is nothing to settle any more.
      lease.trimmed = false;
    }
    return outcome;
  } catch (error) {
    return error as Error;
  }
}

function carryOut(
  { settlement, ...settling }: Settling,
  lease: RedisLease,
  commands: Connection,
  keys: Keys,
): Promise<SettleOutcome> {
  switch (settlement.kind) {
    case 'ack':
      return publishNext(lease, settlement.publish ?? [], commands, keys);
    case 'dead-letter':
      return storeDeadLetter(
        lease,
        'record' in settling ? settling.record : undefined,
        commands,
        keys,
      );
    default:
      return releaseLease(commands, lease);
  }
}

function publishNext(
  lease: RedisLease,
  publish: readonly { readonly stream: string; readonly fields: readonly string[] }[],
  commands: Connection,
  keys: Keys,
): Promise<SettleOutcome> {
  const entries = publish.map(({ stream, fields }) => ({ key: keys.stream(stream), fields }));
  const run = lease.fence;
  return commands.run('publishing the next step', (client) =>
    ackAndPublish(client, { ...run, unfenced: lease.trimmed, entries }),
  );
}

function storeDeadLetter(
  lease: RedisLease,
  record: DeadLetterRecord | undefined,
  commands: Connection,
  keys: Keys,
): Promise<SettleOutcome> {
  const letter = {
    ...lease.fence,
    deadLetters: keys.deadLetters(lease.stream),
    record: JSON.stringify(record),
    skip: lease.redriven ? ORIGIN_ELEMENTS : 0,
    unfenced: lease.trimmed,
    remove: lease.redriven,
    fields: lease.fields ?? [],
  };
  return commands.run(
    'storing a dead letter',
    (client) => deadLetter(client, letter),
    letter.deadLetters,
  );
}
