import type { Clock } from '../core/clock.js';
import type { Delivery, Handler } from '../core/delivery.js';
import type { Inbox } from '../ports/inbox.js';
import type { Middleware } from '../core/handler.js';
import { bounded, textOf } from '../core/errors/text-of.js';
import { isSettlement, release, type Ack, type Settlement } from '../core/settlement.js';
import type { Subscription } from '../ports/source.js';
import { charge } from './middleware/charge.middleware.js';
import type { Claims } from './dedupe/claims.js';
import { decode } from './middleware/decode.middleware.js';
import type { Collectors } from './batching/collectors.js';
import { dedupe } from './middleware/dedupe.middleware.js';
import { expire } from './middleware/expire.middleware.js';
import { gate, type Gates } from './middleware/gate.middleware.js';
import { inbox } from './middleware/inbox.middleware.js';
import { limitDeliveries } from './middleware/limit-deliveries.middleware.js';
import { match, type MatchOptions } from './middleware/match.middleware.js';
import { outlast } from './middleware/outlast.middleware.js';
import { timeout } from './middleware/timeout.middleware.js';
import type { Slots } from './plan/slots.js';

export interface PipelineOptions extends MatchOptions {
  readonly subscription: Subscription;
  readonly clock: Clock;
  readonly gates: Gates;
  /** Only where a handler deduplicates. */
  readonly claims: Claims | undefined;
  /** Only where a handler writes through it. */
  readonly inbox: Inbox | undefined;
  /** Only where a handler takes batches. */
  readonly collectors: Collectors | undefined;
  /** The transport's bound, for what its consumer does not hold to it. */
  readonly shared: Slots | undefined;
  /** Nothing of its stream starts: the consumer stops, or the stream is paused. */
  readonly isHalted: (delivery: Delivery) => boolean;
  readonly chaining: {
    readonly recognise: Middleware;
    readonly duplicateStep: (delivery: Delivery) => Ack | undefined;
  };
  /** The user's own, around each handler. */
  readonly middleware: readonly Middleware[];
}

/**
 * THE order in which a delivery passes; the handler's own method stands at the end. What becomes of
 * errors, and of retries when no run is left, is decided outside, in `failurePolicy.ts`. What only passes
 * on is no async function: each would cost every message a promise and three turns of the queue.
 */
export function createPipeline(options: PipelineOptions): Handler {
  const order: readonly Middleware[] = [
    match(options),
    ...(options.claims
      ? [dedupe(options.claims, options, options.isHalted, options.chaining.duplicateStep)]
      : []),
    limitDeliveries(),
    gate(options.gates, options.isHalted, options.shared),
    expire(options.replies, options.clock),
    charge(options.subscription),
    decode(options.codec),
    options.chaining.recognise,
    timeout(options.clock),
    ...aroundHandler(options.middleware),
    ...(options.inbox
      ? [inbox(options.inbox, options.tables, options.chaining.duplicateStep)]
      : []),
  ];
  const { collectors } = options;
  const invoke: Handler = (delivery) => delivery.handler!.invoke(delivery);
  if (!collectors) return compose(order, invoke);
  return compose(order, (delivery) => {
    if (!delivery.handler!.batch) return invoke(delivery);
    // It may have been halted while the run was counted: what is collected now would start later.
    return options.isHalted(delivery) ? Promise.resolve(release) : collectors.invoke(delivery);
  });
}

function aroundHandler(middleware: readonly Middleware[]): Middleware[] {
  if (middleware.length === 0) return [];
  const { outer, inner } = outlast();
  return [outer, ...middleware.map(onlyOnce), inner];
}

function compose(order: readonly Middleware[], last: Handler): Handler {
  return order.reduceRight<Handler>(
    (next, middleware) => (delivery) => middleware(delivery, next),
    last,
  );
}

/** A middleware that calls `next` twice would run a handler twice for one delivery. */
function onlyOnce(middleware: Middleware): Middleware {
  return (delivery, next) => {
    let called = false;
    // Whatever it answers, a promise or not.
    const answer: unknown = middleware(delivery, (same) => {
      if (called) throw new Error('A middleware called next() twice for one delivery');
      called = true;
      return next(same);
    });
    return Promise.resolve(answer).then(checked);
  };
}

/** What no source could carry out would never be settled. */
function checked(answer: unknown): Settlement {
  if (isSettlement(answer)) return answer;
  throw new TypeError(
    `A middleware answered ${bounded(textOf(answer), 256)}. Answer the settlement that next() resolves with.`,
  );
}
