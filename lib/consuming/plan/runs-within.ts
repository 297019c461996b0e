import { backoffDelay } from '../../core/backoff.js';
import type { HandlerTable } from './handler-table.js';

/** How long the runs of one message may follow each other, each after its owner died or failed, ms. */
export function runsWithin(tables: Iterable<HandlerTable>, idleTimeout: number): number {
  const times = [...tables].flatMap(({ handlers }) =>
    handlers.map(({ maxDeliveries, backoff }) => {
      const longest = backoffDelay({ ...backoff, jitter: 0 }, maxDeliveries);
      return maxDeliveries * (idleTimeout + longest);
    }),
  );
  return Math.max(0, ...times);
}
