import type { Rebalancing } from '../../ports/rebalancing.js';
import type { MessageSource } from '../../ports/source.js';
import type { SubscribeOptions, Subscription } from '../../ports/subscription.js';
import type { HeldLease } from '../plan/held-lease.js';
import type { ConsumerPlan } from '../plan/plan.js';
import { runsWithin } from '../plan/runs-within.js';
import type { ProgressRecorder } from '../settling/progress-recorder.js';

type Own = Omit<SubscribeOptions, 'group' | 'streams' | 'runsWithin' | 'positions' | 'rebalancing'>;

interface Subscribing extends Own {
  readonly source: MessageSource;
  readonly plan: ConsumerPlan;
  readonly heldLease?: HeldLease;
}

/** Begins to read the streams of a plan, from where the recorder says if that knows. */
export async function subscribe(
  options: Subscribing,
  recorder: ProgressRecorder | undefined,
  rebalancing: Rebalancing | undefined,
): Promise<Subscription> {
  const { group, tables } = options.plan;
  const streams = [...tables.keys()];
  const positions = await recorder?.positions(streams);
  const subscription = await options.source.subscribe({
    ...subscribing(options),
    runsWithin: runsWithin(tables.values(), options.idleTimeout),
    group,
    streams,
    ...(positions && { positions }),
    ...(rebalancing && { rebalancing }),
  });
  await recorder?.started(streams, subscription.began);
  return subscription;
}

/** Selects the options that the source needs. */
function subscribing(options: Own & { readonly heldLease?: HeldLease }): Own {
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
