import type { Delivery } from '../core/delivery.js';
import type { Subscription } from '../ports/subscription.js';
import { Collectors } from './batching/collectors.js';
import { Capacity } from './capacity.js';
import type { ConsumerOptions } from './consumer-options.js';
import { claimsOf, type Claims } from './dedupe/claims.js';
import type { HandOver } from './live-consumers/hand-over.js';
import { orderingOf, type Ordering } from './ordering/ordering.js';
import { ReadAhead } from './reading/read-ahead.js';
import { concurrencyLimitsOf, takesBatches } from './running/concurrency-limits.js';
import { Dispatcher } from './running/dispatcher.js';
import { HeldDeliveries } from './running/held-deliveries.js';
import type { ProgressRecorder } from './settling/progress-recorder.js';
import { SettlementHandler } from './settling/settlement-handler.js';

/** What the parts of a consumer need from it. */
export interface WorkingsOptions extends ConsumerOptions {
  readonly run: (delivery: Delivery) => void;
  /** Known once the consumer has subscribed, as is `handOver`. */
  readonly subscription: () => Subscription;
  readonly handOver: () => HandOver | undefined;
  /** Whether deliveries of the same stream must not start now. */
  readonly isHalted: (delivery: Delivery) => boolean;
  /** Called when a run or settlement has ended, so that there may be room. */
  readonly onProgress: () => void;
}

/** The parts that a consumer has before it reads. */
export interface ConsumerWorkings {
  readonly held: HeldDeliveries;
  readonly claims: Claims | undefined;
  readonly collectors: Collectors | undefined;
  readonly ordering: Ordering | undefined;
  readonly readAhead: ReadAhead;
  readonly dispatcher: Dispatcher;
  readonly settlementHandler: SettlementHandler;
  /** Undefined: how far the consumer has come is not recorded. */
  readonly recorder: ProgressRecorder | undefined;
  readonly capacity: Capacity;
}

/** Makes these parts and connects them. */
export function workingsOf(options: WorkingsOptions): ConsumerWorkings {
  const { clock, plan, handOver } = options;
  const held = new HeldDeliveries();
  const claims = claimsOf(options);
  const collectors = takesBatches(plan) ? new Collectors(options) : undefined;
  const ordering = orderingOf(options);
  const recorder = options.recorders?.of(plan.group);
  const dispatcher = new Dispatcher({
    ...options,
    ...concurrencyLimitsOf(plan, options.slots),
    onFreed: options.onProgress,
  });
  // More entries would live long enough to burden the garbage collector, and drain no faster.
  const readAhead = new ReadAhead(Math.ceil(options.batchSize / 2), clock, dispatcher);
  const settlementHandler = new SettlementHandler({
    ...options,
    held,
    dispatcher,
    claims,
    ordering,
    recorder,
    onUnhandled: (delivery) => handOver()!.add(delivery),
    handOn: (delivery) => handOver()?.offer(delivery),
  });
  const { settler, nextRuns } = settlementHandler;
  const { parkedRetries } = nextRuns;
  const waiting = { dispatcher, parkedRetries, ordering, settler, readAhead, handOver };
  const capacity = new Capacity({ ...options, ...waiting });
  return {
    held,
    claims,
    collectors,
    ordering,
    readAhead,
    dispatcher,
    settlementHandler,
    recorder,
    capacity,
  };
}
