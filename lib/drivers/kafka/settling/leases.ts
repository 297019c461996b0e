import type { BeginOutcome, ExtendOutcome } from '../../../core/lease.js';
import type { KafkaLease } from '../partitions/kafka.lease.js';

/**
 * As `Subscription.begin`: the count is committed before the run starts. `later`: the member is about to
 * give the partition up.
 */
export async function beginLease(lease: KafkaLease): Promise<BeginOutcome> {
  const { state } = lease;
  const standing = state.standingOf(lease);
  if (standing !== 'held') return standing;
  if (lease.charged) return 'started';
  if (state.isDraining) return 'later';
  state.count(lease);
  await state.commits.now([state]);
  const now = state.standingOf(lease);
  return now === 'held' ? 'started' : now;
}

/** As `Subscription.extend`: the member's heartbeats keep its partitions, and so all their entries. */
export const extendLeases = (leases: readonly KafkaLease[]): ExtendOutcome[] =>
  leases.map((lease) => lease.state.standingOf(lease));
