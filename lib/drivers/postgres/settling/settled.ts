import { grouped } from '../../../core/collections/grouped.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { Settling } from '../../../ports/source.js';
import type { PostgresLease } from '../held-entries/postgres.lease.js';

export const leaseOf = ({ lease }: Settling): PostgresLease => lease as PostgresLease;

/** The leases that were settled are held no more. */
export function forgetSettled(
  leases: readonly PostgresLease[],
  outcomes: readonly SettleOutcome[],
): void {
  const settled = leases.filter((_, at) => outcomes[at] === 'settled');
  for (const [holder, same] of grouped(settled, (lease) => lease.holder)) holder.settled(same);
}
