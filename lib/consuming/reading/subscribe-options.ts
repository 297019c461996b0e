import type { SubscribeOptions } from '../../ports/source.js';
import type { ConsumerOptions } from '../consumer-options.js';

/** Only what the source is to know. */
export function subscribing(
  options: ConsumerOptions,
): Omit<SubscribeOptions, 'group' | 'streams' | 'runsWithin'> {
  const { consumer, startId, createGroup, crashedAfter, heldLease } = options;
  const { blockTimeout, idleTimeout, reclaimInterval } = options;
  return {
    consumer,
    startId,
    blockTimeout,
    idleTimeout,
    reclaimInterval,
    ...(createGroup !== undefined && { createGroup }),
    ...(crashedAfter !== undefined && { crashedAfter }),
    ...(heldLease && { guards: heldLease.guards, onDisowned: () => heldLease.lost() }),
  };
}
