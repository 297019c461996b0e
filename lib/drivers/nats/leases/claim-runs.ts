import type { NatsLease } from './nats.lease.js';
import { noteWritten } from './run-fence.js';
import type { KeptRecord } from './run-record.js';
import type { RunRecords } from './run-records.js';

/**
 * What became of a lease whose entry was delivered again.
 * - `claimed`: the lease has the entry.
 * - `lost`: another run has it, or may have it.
 * - `gone`: its work is done.
 * - `elsewhere`: a lease of the same subscription has released it to others, and none has taken it.
 */
export type Claim = 'claimed' | 'lost' | 'gone' | 'elsewhere';

export interface ClaimingParts {
  readonly records: RunRecords;
  /** The server's clock, in milliseconds since the epoch. */
  readonly serverTime: () => number | Promise<number>;
  /** Whether owners may still return after an outage. */
  readonly ownersReturn: () => boolean;
}

/**
 * Claims the entry of a lease by its record. A lease that was handed out before keeps its count.
 * `later`: its owner may return after an outage, and has not given it back.
 */
export async function claimEntry(
  lease: NatsLease,
  { records, serverTime, ownersReturn }: ClaimingParts,
): Promise<Claim | 'later'> {
  for (;;) {
    const found = await records.read(lease.key);
    const refused =
      found && (refusalOf(lease, found) ?? (await keptFrom(lease, found, serverTime)));
    if (refused) {
      if (lease.handedOut && refused !== 'elsewhere') lease.standing = refused;
      return refused;
    }
    if (!lease.handedOut && !isGivenBack(found) && ownersReturn()) return 'later';
    const runs = runsOf(lease, found);
    const upTo = (lease.newer ?? lease).consumerSequence;
    const record = { runs, by: lease.token, upTo, generation: generationOf(lease) };
    const revision = await records.write(lease.key, record, found?.revision ?? 0);
    if (revision === undefined) continue;
    noteWritten(lease, revision);
    if (lease.handedOut) lease.useNewer();
    else handOut(lease, runs, found);
    return 'claimed';
  }
}

const isGivenBack = (found: KeptRecord | undefined): boolean =>
  found?.state === 'released' || found?.state === 'offered';

/** Undefined: the lease may have the entry. */
function refusalOf(lease: NatsLease, found: KeptRecord): Exclude<Claim, 'claimed'> | undefined {
  const generation = generationOf(lease);
  if (found.generation !== generation) return found.generation > generation ? 'lost' : undefined;
  if (found.state === 'done') return 'gone';
  if (found.by === lease.token) return undefined;
  if (lease.handedOut || found.upTo >= lease.consumerSequence) return 'lost';
  return found.state === 'offered' && isOfThisSubscription(lease, found) ? 'elsewhere' : undefined;
}

/** Another lease was late, and keeps the entry by its record. */
async function keptFrom(
  lease: NatsLease,
  { state, by, generation, time }: KeptRecord,
  serverTime: () => number | Promise<number>,
): Promise<'lost' | undefined> {
  if (state !== 'kept' || by === lease.token || generation !== generationOf(lease))
    return undefined;
  return (await serverTime()) < time + lease.reading.ackWait ? 'lost' : undefined;
}

/** Generation of the delivery that is claimed. */
const generationOf = ({ newer, reading, generation }: NatsLease): number =>
  newer ? reading.generation : generation;

/** Without a record there was one run: that of the first delivery. */
function runsOf(lease: NatsLease, found: KeptRecord | undefined): number {
  if (lease.handedOut) return lease.attempt;
  return found?.generation === generationOf(lease) ? found.runs : 1;
}

function handOut(lease: NatsLease, runs: number, found: KeptRecord | undefined): void {
  lease.attempt = runs;
  lease.charged = false;
  lease.handedOut = true;
  lease.takenFrom = !found || !isOfThisSubscription(lease, found);
}

const isOfThisSubscription = ({ holder }: NatsLease, { by }: KeptRecord): boolean =>
  by.startsWith(`${holder.instance}.`);
