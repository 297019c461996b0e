import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import { join } from '../../../core/collections/grouped.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { Settling } from '../../../ports/source.js';
import type { Commands } from '../connection/commands.js';
import { extendLeases, releaseLease, unchargeLease } from '../held-entries/leasing.js';
import { isPublishedTogether, publishTogether } from './ack-with-publish.js';
import { ORIGIN_ELEMENTS, type ReadKey, type RedisLease } from '../held-entries/redis.lease.js';
import { isWrongType } from '../errors/reply-errors.js';
import { completeAll, completionOf } from './settling-completions.js';
import { ackGuarded } from './ack-guarded.script.js';
import { ackRedriven } from './ack-redriven.script.js';
import { publishApartFirst, type SettlingContext } from './ack-then-publish.js';
import { deadLetter } from './dead-letter.script.js';
import { holdEntry } from '../on-hold/hold-entry.script.js';
import { leave } from './leave.script.js';

type Outcome = SettleOutcome | Error;

/**
 * Carries out a batch. Plain acknowledgements: one XACK per key. Completions and retries: one
 * script per key. The rest: one script each.
 */
export async function settleAll(
  batch: readonly Settling[],
  context: SettlingContext,
): Promise<Outcome[]> {
  const leases = acksOfOneKey(batch);
  if (!leases) return settleByKind(batch, context);
  const outcomes = new Array<Outcome>(batch.length);
  return outcomes.fill(await ackTogether(leases, context.commands));
}

/** The leases of most batches. @returns undefined for any other batch */
function acksOfOneKey(batch: readonly Settling[]): RedisLease[] | undefined {
  const leases: RedisLease[] = [];
  for (const { settlement, lease } of batch) {
    if (settlement.kind !== 'ack' || settlement.completes || settlement.publish?.length) return;
    leases.push(lease as RedisLease);
    if (leases.at(-1)!.source !== leases[0]!.source) return;
  }
  return leases.length > 0 ? leases : undefined;
}

async function settleByKind(
  batch: readonly Settling[],
  context: SettlingContext,
): Promise<Outcome[]> {
  const { commands } = context;
  const outcomes: Outcome[] = new Array<Outcome>(batch.length);
  const acks = new Map<ReadKey, number[]>();
  const chained = new Map<ReadKey, number[]>();
  const retries: number[] = [];
  const completing: number[] = [];
  const others: Promise<void>[] = [];
  for (let index = 0; index < batch.length; index++) {
    const settling = batch[index]!;
    if (isPlainAck(settling)) {
      const { source } = settling.lease as RedisLease;
      join(acks, source, index);
    } else if (completionOf(settling) && isWithoutNext(settling)) {
      completing.push(index);
    } else if (isPublishedTogether(settling, context)) {
      join(chained, (settling.lease as RedisLease).source, index);
    } else if (settling.settlement.kind === 'retry' && !takesBack(settling)) {
      retries.push(index);
    } else {
      others.push(settleOne(settling, context).then((outcome) => void (outcomes[index] = outcome)));
    }
  }
  const leasesOf = (indexes: readonly number[]): RedisLease[] =>
    indexes.map((index) => batch[index]!.lease as RedisLease);
  const together = [...acks.values()].map(async (indexes) => {
    const outcome = await ackTogether(leasesOf(indexes), commands);
    for (const index of indexes) outcomes[index] = outcome;
  });
  for (const indexes of chained.values()) {
    const same = indexes.map((index) => batch[index]!);
    const published = publishTogether(same, context).then((found) => {
      for (let place = 0; place < found.length; place++) outcomes[indexes[place]!] = found[place]!;
    });
    together.push(published);
  }
  if (retries.length > 0) {
    const kept = keepForRetry(leasesOf(retries), commands).then((found) => {
      for (const [place, index] of retries.entries()) outcomes[index] = found[place]!;
    });
    together.push(kept);
  }
  if (completing.length > 0) {
    const items = completing.map((index) => batch[index]!);
    const done = completeAll(items, context).then((found) => {
      for (const [place, index] of completing.entries()) outcomes[index] = found[place]!;
    });
    together.push(done);
  }
  await Promise.all([...together, ...others]);
  return outcomes;
}

const isPlainAck = (settling: Settling): boolean =>
  isWithoutNext(settling) && !completionOf(settling);

const isWithoutNext = ({ settlement }: Settling): boolean =>
  settlement.kind === 'ack' && !settlement.publish?.length;

/** The run was counted, and has not begun. */
const takesBack = ({ settlement, lease }: Settling): boolean =>
  settlement.kind === 'retry' && settlement.uncharged === true && lease.charged;

/**
 * The work is done, no matter which consumer owns the entries now: no fence, but the guards if
 * there are any.
 */
async function ackTogether(leases: readonly RedisLease[], commands: Commands): Promise<Outcome> {
  const { source, holder } = leases[0]!;
  const ids: string[] = [];
  for (const { entryId } of leases) ids.push(entryId);
  const { guards, group } = holder;
  try {
    const word = await commands.run(
      'acknowledging',
      async (client) => {
        if (source.redriven) return ackRedriven(client, { key: source.key, group, ids, guards });
        const finished = await holder.finish?.(client, leases[0]!);
        if (finished) return finished;
        if (guards.length > 0) return ackGuarded(client, { key: source.key, group, ids, guards });
        await client.xack(source.key, group, ...ids);
        return 'settled';
      },
      source.key,
    );
    if (word === 'lost') return word;
  } catch (error) {
    if (!(error instanceof Error && isWrongType(error.cause))) return error as Error;
  }
  holder.settled(leases);
  return 'settled';
}

/** The entries stay pending to this consumer, and fresh, until they run again. */
async function keepForRetry(leases: readonly RedisLease[], commands: Commands): Promise<Outcome[]> {
  try {
    const words = await extendLeases(commands, leases);
    return leases.map((lease, index) => {
      if (words[index] !== 'held') return words[index] === 'lost' ? 'lost' : 'gone';
      lease.charged = false;
      lease.holder.parked?.(lease);
      return 'settled';
    });
  } catch (error) {
    return leases.map(() => error as Error);
  }
}

async function settleOne(settling: Settling, context: SettlingContext): Promise<Outcome> {
  const lease = settling.lease as RedisLease;
  try {
    const outcome = await carryOut(settling, lease, context);
    // An entry that is left, or waits, stays known, so that it is not adopted.
    const { kind } = settling.settlement;
    if (outcome === 'settled' && isOffered(settling)) lease.offer();
    else if (outcome === 'settled' && kind !== 'leave' && kind !== 'retry') {
      lease.holder.settled([lease]);
      // Its record is gone, so a second try has nothing to settle.
      lease.trimmed = false;
    }
    return outcome;
  } catch (error) {
    return error as Error;
  }
}

const isOffered = ({ settlement }: Settling): boolean =>
  settlement.kind === 'release' && settlement.elsewhere === true;

function carryOut(
  { settlement, ...settling }: Settling,
  lease: RedisLease,
  context: SettlingContext,
): Promise<SettleOutcome> {
  switch (settlement.kind) {
    case 'ack':
      return publishApartFirst(lease, settlement, context);
    case 'dead-letter': {
      const record = 'record' in settling ? settling.record : undefined;
      const giveUp = settlement.action === 'hold' ? hold : storeDeadLetter;
      return giveUp(lease, record, context);
    }
    case 'leave':
      return context.commands.run(
        'leaving an entry pending',
        (client) => leave(client, lease.fence),
        lease.source.key,
      );
    case 'retry':
      return unchargeLease(context.commands, lease);
    default:
      return releaseLease(context.commands, lease);
  }
}

async function hold(
  lease: RedisLease,
  record: DeadLetterRecord | undefined,
  { commands, keys }: SettlingContext,
): Promise<SettleOutcome> {
  const { redriven, entryId, fence } = lease;
  if (lease.trimmed) return 'unheld';
  const holding = {
    ...fence,
    hash: keys.held(lease.stream, fence.group),
    field: `${redriven ? 'r' : 's'}:${entryId}`,
    record: JSON.stringify(record),
  };
  return commands.run(
    'putting a message on hold',
    (client) => holdEntry(client, holding),
    holding.key,
  );
}

function storeDeadLetter(
  lease: RedisLease,
  record: DeadLetterRecord | undefined,
  { commands, keys }: SettlingContext,
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
