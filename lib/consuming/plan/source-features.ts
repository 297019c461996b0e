import { UnsupportedFeatureError } from '../../core/errors/start-up.errors.js';
import type { LeaseStore } from '../../ports/lease-store.js';
import type { MessageSource } from '../../ports/source.js';
import type { SourceCapabilities } from '../../ports/source-capabilities.js';

/**
 * Messages of one key can be handled in order: a partition has one consumer of a group, and a stream
 * without partitions has one as long as that consumer holds a lease.
 * @throws UnsupportedFeatureError where there are neither partitions nor leases, or where the source
 * does not keep the order of entries
 */
export function requireOrder({
  leases,
  source,
}: {
  readonly leases?: LeaseStore | undefined;
  readonly source: MessageSource;
}): void {
  const { holds, redelivers, keepsReleasedOrder, technology } = source.capabilities;
  const hasOneConsumer = holds === 'partition' || leases !== undefined;
  if (hasOneConsumer && !redelivers && keepsReleasedOrder) return;
  const advice =
    'Leave it out, or use a driver that has partitions or the port leases, and keeps the order of what was released.';
  throw new UnsupportedFeatureError('The handler option orderBy', technology, advice);
}

/** Whether a stream that passes from one consumer to another goes on in its order. */
export const keepsOrder = ({ holds, keepsReleasedOrder }: SourceCapabilities): boolean =>
  holds === 'entry' && keepsReleasedOrder;

/** @throws UnsupportedFeatureError where entries that no handler takes cannot be left pending */
export function requireLeaving(
  { leaves, technology }: SourceCapabilities,
  unmatched: string | undefined,
): void {
  if (leaves || unmatched !== 'leave') return;
  const advice = "Set it to 'ack' or 'dead-letter'.";
  throw new UnsupportedFeatureError("The option unmatched: 'leave'", technology, advice);
}
