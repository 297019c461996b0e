import type { Delivery } from '../../core/delivery.js';
import { InvalidFilterResultError } from '../../core/errors/handling.errors.js';
import type { Middleware } from '../../core/middleware.js';
import { disarm } from '../../core/returned-promise.js';
import { filtered, type Ack } from '../../core/settlement.js';

/**
 * For handlers with a `filter`: acknowledges a message that the filter refuses without a run. Comes
 * after runs are counted: a filter that throws, or kills its process, has used up a run.
 */
export function filter(filteredStep: (delivery: Delivery) => Ack | undefined): Middleware {
  return (delivery, next) => {
    const handler = delivery.handler!;
    const wanted: unknown = handler.filter!(delivery.message);
    if (wanted === true) return next(delivery);
    if (wanted === false) return Promise.resolve(filteredStep(delivery) ?? filtered);
    // Neither a promise nor any other value may count as an answer: the message would be lost.
    disarm(wanted);
    throw new InvalidFilterResultError(handler.name, wanted);
  };
}
