import { grouped } from '../../../core/collections/grouped.js';
import type { Settling } from '../../../ports/source.js';
import type { LeaseReading, NatsLease } from '../leases/nats.lease.js';
import { leaseOf, outcomeOf, type Outcome, type SettlingParts } from './settling-parts.js';

const encoder = new TextEncoder();
const NAK = encoder.encode('-NAK');
/** The server delivers it after this time. Meanwhile this consumer may still begin it. */
const NAK_LATER = encoder.encode(`-NAK {"delay": ${50 * 1_000_000}}`);

/** Keeps entries for their next run here. Is given leases that have their entries. */
export async function park(batch: readonly Settling[], parts: SettlingParts): Promise<Outcome[]> {
  const outcomes = new Map<NatsLease, Outcome>();
  const readings = grouped(batch, (one) => leaseOf(one).reading);
  await Promise.all(
    [...readings].map(async ([reading, same]) => {
      const parked = await outcomeOf(() => parkAll(reading, same, parts, outcomes));
      if (parked instanceof Error) for (const one of same) outcomes.set(leaseOf(one), parked);
    }),
  );
  return batch.map((one) => outcomes.get(leaseOf(one))!);
}

async function parkAll(
  reading: LeaseReading,
  batch: readonly Settling[],
  { leases }: SettlingParts,
  outcomes: Map<NatsLease, Outcome>,
): Promise<Outcome> {
  const first = await reading.firstSequence();
  const there: Settling[] = [];
  for (const one of batch) {
    const lease = leaseOf(one);
    if (lease.trimmed || lease.sequence < first) outcomes.set(lease, leases.deleted(lease));
    else there.push(one);
  }
  if (there.length > 0) await leases.keepFresh(reading, there.map(leaseOf));
  await Promise.all(
    there.map(async (one) => {
      outcomes.set(leaseOf(one), await outcomeOf(() => parkOne(one, { leases })));
    }),
  );
  return 'settled';
}

async function parkOne(
  settling: Settling,
  { leases }: Pick<SettlingParts, 'leases'>,
): Promise<Outcome> {
  const { settlement } = settling;
  const lease = leaseOf(settling);
  const isTakenBack = settlement.kind === 'retry' && settlement.uncharged && lease.charged;
  if (isTakenBack) {
    const owner = await lease.inTurn(() => leases.write(lease, { runs: lease.ended }));
    if (owner !== 'held') return owner;
    lease.attempt = lease.ended;
  }
  lease.charged = false;
  lease.fields = undefined;
  return 'settled';
}

/**
 * Gives entries back. Other consumers may take them at once, in the order of the stream. Is given leases
 * that have their entries.
 */
export async function release(
  batch: readonly Settling[],
  parts: SettlingParts,
): Promise<Outcome[]> {
  const outcomes = await Promise.all(batch.map((one) => outcomeOf(() => noteReleased(one, parts))));
  const given = batch.filter((_, at) => outcomes[at] === 'settled');
  if (given.length === 0) return outcomes;
  given.sort((one, other) => leaseOf(one).sequence - leaseOf(other).sequence);
  const sent = await outcomeOf(async () => {
    await sendBack(given, parts);
    return 'settled';
  });
  // What the server has not heard of is delivered again after `ackWait`, since the record lets others take it.
  return sent instanceof Error ? outcomes.map((one) => (one === 'settled' ? sent : one)) : outcomes;
}

async function noteReleased(settling: Settling, { leases }: SettlingParts): Promise<Outcome> {
  const lease = leaseOf(settling);
  const state = isElsewhere(settling) ? 'offered' : 'released';
  return lease.inTurn(async () => {
    const owner = await leases.write(lease, { runs: lease.ended, state });
    if (owner !== 'held') return owner;
    lease.attempt = lease.ended;
    lease.charged = false;
    // Nothing may write over this record.
    lease.standing = state === 'offered' ? 'offered' : 'gone';
    return 'settled';
  });
}

async function sendBack(
  batch: readonly Settling[],
  { connection, leases }: SettlingParts,
): Promise<void> {
  await connection.send('releasing', (client) => {
    for (const one of batch) {
      const lease = leaseOf(one);
      // Once another consumer may have it, the server would take it from that one.
      if (leases.lasts(lease)) client.publish(lease.ackSubject, isElsewhere(one) ? NAK_LATER : NAK);
      if (!lease.offered) lease.settled();
    }
  });
}

const isElsewhere = ({ settlement }: Settling): boolean =>
  settlement.kind === 'release' && settlement.elsewhere === true;
