import { UnsupportedFeatureError } from '../../core/errors/start-up.errors.js';
import type { LeaseStore } from '../../ports/lease-store.js';
import type { MessageSource } from '../../ports/source.js';
import type { SourceCapabilities } from '../../ports/source-capabilities.js';

/**
 * The leases for a stream that is handled in order.
 * @throws UnsupportedFeatureError where the driver has none, or does not keep the order of entries
 */
export function leasesOf(driver: {
  readonly leases?: LeaseStore | undefined;
  readonly source: MessageSource;
}): LeaseStore {
  const { capabilities } = driver.source;
  if (driver.leases && !capabilities.redelivers && keepsOrder(capabilities)) return driver.leases;
  const advice =
    capabilities.holds === 'partition'
      ? 'Leave it out: messages are read in the order of their partition, and those behind a message that waits for a retry pass it.'
      : 'Leave it out, or use a driver that has the port leases and keeps the order of what was released.';
  throw new UnsupportedFeatureError('The handler option orderBy', capabilities.technology, advice);
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
