import type { DurableReading } from './durable-reading.js';

/**
 * Shares a limit out among durables: those that have more messages share all of it, and the others
 * share as much again, at least one each. What comes beyond the limit waits here.
 */
export function shareOut(
  readings: readonly DurableReading[],
  limit: number,
): [reading: DurableReading, count: number][] {
  const busy = readings.filter(({ hasMore }) => hasMore).length;
  const idle = readings.length - busy;
  return readings.map((reading) => {
    const share = reading.hasMore ? Math.ceil(limit / busy) : Math.floor(limit / idle);
    return [reading, Math.max(1, share)];
  });
}
