import type { Clock } from '../core/clock.js';
import type { Delivery, Handler } from '../core/delivery.js';
import type { Middleware } from '../core/handler.js';
import type { Subscription } from '../core/source.js';
import { charge } from './middleware/charge.middleware.js';
import { decode } from './middleware/decode.middleware.js';
import { expire } from './middleware/expire.middleware.js';
import { gate, type Gates } from './middleware/gate.middleware.js';
import { limitDeliveries } from './middleware/limit-deliveries.middleware.js';
import { match, type MatchOptions } from './middleware/match.middleware.js';
import { timeout } from './middleware/timeout.middleware.js';

export interface PipelineOptions extends MatchOptions {
  readonly subscription: Subscription;
  readonly clock: Clock;
  readonly gates: Gates;
  /** Nothing of its stream starts: the consumer stops, or the stream is paused. */
  readonly isHalted: (delivery: Delivery) => boolean;
  /** The user's own, around each handler. */
  readonly middleware: readonly Middleware[];
}

/**
 * THE order in which a delivery passes; the handler's own method stands at the end. What becomes of
 * errors, and of retries when no run is left, is decided outside, in `verdict.ts`. What only passes
 * on is no async function: each would cost every message a promise and three turns of the queue.
 */
export function createPipeline(options: PipelineOptions): Handler {
  const order: readonly Middleware[] = [
    match(options),
    limitDeliveries(),
    gate(options.gates, options.isHalted),
    expire(options.replies, options.clock),
    charge(options.subscription),
    decode(options.codec),
    timeout(options.clock),
    ...options.middleware.map(onlyOnce),
  ];
  return compose(order, (delivery) => delivery.handler!.invoke(delivery));
}

export function compose(order: readonly Middleware[], last: Handler): Handler {
  return order.reduceRight<Handler>(
    (next, middleware) => (delivery) => middleware(delivery, next),
    last,
  );
}

/** A middleware that calls `next` twice would run a handler twice for one delivery. */
function onlyOnce(middleware: Middleware): Middleware {
  return (delivery, next) => {
    let called = false;
    return middleware(delivery, (same) => {
      if (called) throw new Error('A middleware called next() twice for one delivery');
      called = true;
      return next(same);
    });
  };
}
