import type { Delivery } from '../core/delivery.js';
import type { Subscription } from '../ports/subscription.js';
import type { ConsumerOptions } from './consumer-options.js';
import type { ConsumerWorkings } from './consumer-parts.js';
import { createPipeline } from './pipeline.js';
import type { RunParts } from './running/run.js';

/** What the consumer knows once it has subscribed. */
interface Subscribed {
  readonly subscription: Subscription;
  readonly looksElsewhere: boolean;
  readonly isHalted: (delivery: Delivery) => boolean;
  readonly overran: (delivery: Delivery) => void;
}

/** What a run needs, the pipeline included. Made once for each consumer. */
export function runPartsOf(
  options: ConsumerOptions,
  workings: ConsumerWorkings,
  { subscription, looksElsewhere, isHalted, overran }: Subscribed,
): RunParts {
  const { claims, collectors, dispatcher, settlementHandler, recorder } = workings;
  const pipeline = createPipeline({
    ...options,
    subscription,
    tables: options.plan.tables,
    claims,
    collectors,
    recorder,
    instrumentation: options.instruments?.current,
    shared: collectors && options.slots,
    looksElsewhere,
    isHalted,
  });
  const { clock, events, heldLease } = options;
  const { retryPolicy } = settlementHandler;
  return {
    clock,
    events,
    heldLease,
    pipeline,
    retryPolicy,
    settlementHandler,
    dispatcher,
    overran,
  };
}
