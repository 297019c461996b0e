import type { SettleOutcome } from '../../core/settlement.js';
import type { Settling } from '../../core/source.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { releaseLease } from './leasing.js';
import { ORIGIN_ELEMENTS, type ReadKey, type RedisLease } from './redis.lease.js';
import { isWrongType } from './reply-errors.js';
import { ackAndPublish } from './scripts/ack-and-publish.script.js';
import { ackRedriven } from './scripts/ack-redriven.script.js';
import { deadLetter } from './scripts/dead-letter.script.js';
import { extend } from './scripts/extend.script.js';

type Outcome = SettleOutcome | Error;

/** Carries out a batch: plain acks as one XACK per key, the rest as a fenced script each. */
export async function settleAll(
  batch: readonly Settling[],
  commands: Connection,
  keys: Keys,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = new Array<Outcome>(batch.length);
  const acks = new Map<ReadKey, number[]>();
  const others: Promise<void>[] = [];
  for (let index = 0; index < batch.length; index++) {
    const settling = batch[index]!;
    if (!isPlainAck(settling)) {
      others.push(
        settleOne(settling, commands, keys).then((outcome) => void (outcomes[index] = outcome)),
      );
      continue;
    }
    const { source } = settling.lease as RedisLease;
    const same = acks.get(source);
    if (same) same.push(index);
    else acks.set(source, [index]);
  }
  const acked = [...acks.values()].map(async (indexes) => {
    const leases = indexes.map((index) => batch[index]!.lease as RedisLease);
    const outcome = await ackTogether(leases, commands);
    for (const index of indexes) outcomes[index] = outcome;
  });
  await Promise.all([...acked, ...others]);
  return outcomes;
}

const isPlainAck = ({ settlement }: Settling): boolean =>
  settlement.kind === 'ack' && !settlement.publish?.length;

/** The work is done, whoever owns the entries now: no fence. */
async function ackTogether(leases: readonly RedisLease[], commands: Connection): Promise<Outcome> {
  const { source, holder } = leases[0]!;
  const ids = leases.map((lease) => lease.entryId);
  try {
    await commands.run('acknowledging', async (client) => {
      if (source.redriven) await ackRedriven(client, source.key, holder.group, ids);
      else await client.xack(source.key, holder.group, ...ids);
    });
  } catch (error) {
    if (!(error instanceof Error && isWrongType(error.cause))) return error as Error;
  }
  for (const lease of leases) holder.settled(lease);
  return 'settled';
}

async function settleOne(settling: Settling, commands: Connection, keys: Keys): Promise<Outcome> {
  const lease = settling.lease as RedisLease;
  try {
    const outcome = await carryOut(settling, lease, commands, keys);
    if (outcome === 'settled' && settling.settlement.kind !== 'retry') {
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
  settling: Settling,
  lease: RedisLease,
  commands: Connection,
  keys: Keys,
): Promise<SettleOutcome> {
  switch (settling.settlement.kind) {
    case 'ack':
      return publishNext(lease, settling.settlement.publish ?? [], commands, keys);
    case 'retry':
      return keepForRetry(lease, commands);
    case 'release':
      return releaseLease(commands, lease);
    case 'dead-letter':
      return storeDeadLetter(lease, settling, commands, keys);
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

async function keepForRetry(lease: RedisLease, commands: Connection): Promise<SettleOutcome> {
  const { key, group, consumer, id, count } = lease.fence;
  const entries = [{ id, count }];
  const [word] = await commands.run('keeping an entry for its retry', (client) =>
    extend(client, { key, group, consumer, entries }),
  );
  if (word !== 'held') return word === 'lost' ? 'lost' : 'gone';
  lease.charged = false;
  return 'settled';
}

function storeDeadLetter(
  lease: RedisLease,
  settling: Settling,
  commands: Connection,
  keys: Keys,
): Promise<SettleOutcome> {
  const record = 'record' in settling ? settling.record : undefined;
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
