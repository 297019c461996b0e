import type { SubscribeOptions } from '../../ports/source.js';
import type { HeldLease } from '../plan/held-lease.js';

type Own = Omit<SubscribeOptions, 'group' | 'streams' | 'runsWithin'>;

/** Selects the options that the source needs. */
export function subscribing(options: Own & { readonly heldLease?: HeldLease }): Own {
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
