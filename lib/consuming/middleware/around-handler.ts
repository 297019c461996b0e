import { bounded, textOf } from '../../core/errors/text-of.js';
import type { Middleware } from '../../core/middleware.js';
import { isSettlement, type Settlement } from '../../core/settlement.js';
import { outlast } from './outlast.middleware.js';

/** The middleware of the application, outermost first, between the two halves of `outlast`. */
export function aroundHandler(middleware: readonly Middleware[]): Middleware[] {
  if (middleware.length === 0) return [];
  const { outer, inner } = outlast();
  return [outer, ...middleware.map(onlyOnce), inner];
}

/** A middleware that calls `next` twice would run a handler twice for one delivery. */
function onlyOnce(middleware: Middleware): Middleware {
  return (delivery, next) => {
    let called = false;
    // A middleware may return a promise or a plain value.
    const answer: unknown = middleware(delivery, (same) => {
      if (called) throw new Error('A middleware called next() twice for one delivery');
      called = true;
      return next(same);
    });
    return Promise.resolve(answer).then(checked);
  };
}

/** A settlement that no source could carry out would never be settled. */
function checked(answer: unknown): Settlement {
  if (isSettlement(answer)) return answer;
  throw new TypeError(
    `A middleware answered ${bounded(textOf(answer), 256)}. Answer the settlement that next() resolves with.`,
  );
}
