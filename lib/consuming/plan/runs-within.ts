import { backoffDelay } from '../../core/backoff.js';
import type { HandlerTable } from './handler-table.js';

/**
 * Longest time from the first to the last run of a message, each after its owner died or failed, in
 * milliseconds.
 */
export function runsWithin(tables: Iterable<HandlerTable>, idleTimeout: number): number {
  const times = [...tables].flatMap(({ handlers }) =>
    handlers.map(({ maxDeliveries, backoff }) => {
      const longest = backoffDelay({ ...backoff, jitter: 0 }, maxDeliveries);
      return maxDeliveries * (idleTimeout + longest);
    }),
  );
  return Math.max(0, ...times);
}
