import { systemClock } from '../../../core/clock.js';
import type { LeaseState } from '../../../core/lease.js';
import { freshUntil } from './fresh.js';
import type { NatsLease } from './nats.lease.js';
import type { KeptRecord, RunState } from './run-record.js';
import type { RunRecords } from './run-records.js';

/** What a lease wants to have on record. */
export interface Wanted {
  /** Runs that count. */
  readonly runs: number;
  /** @default the last delivery that the lease answers for */
  readonly upTo?: number;
  readonly state?: RunState;
}

/**
 * Writes the record of a lease, unless another run has the entry. Returns who has it: `held` where the
 * record is written. The lease is not asked whether it is fresh.
 */
export async function writeRecord(
  records: RunRecords,
  lease: NatsLease,
  { runs, upTo = lease.consumerSequence, state = lease.doubtful ? 'kept' : undefined }: Wanted,
): Promise<LeaseState> {
  const { token: by, generation, key } = lease;
  const since = systemClock.now();
  const record = { runs, by, upTo, generation, ...(state && { state }) };
  for (let expected = lease.revision; ;) {
    const revision = await records.write(key, record, expected);
    if (revision !== undefined) {
      noteWritten(lease, revision);
      if (state === 'kept') lease.freshUntil = freshUntil(since, lease.reading.ackWait);
      return 'held';
    }
    const found = await records.read(key);
    const owner = ownerOf(lease, found);
    if (owner !== 'held') {
      lease.standing = owner;
      return owner;
    }
    expected = found?.revision ?? 0;
  }
}

/** Who has the entry of a lease that was handed out, by the record of the entry. */
export function ownerOf(lease: NatsLease, found: KeptRecord | undefined): LeaseState {
  if (!found || found.generation < lease.generation) return 'held';
  if (found.generation > lease.generation) return 'lost';
  if (found.state === 'done') return 'gone';
  if (found.by === lease.token) return 'held';
  return found.upTo < lease.consumerSequence ? 'held' : 'lost';
}

export function noteWritten(lease: NatsLease, revision: number): void {
  lease.revision = revision;
  lease.writtenAt = systemClock.now();
}
