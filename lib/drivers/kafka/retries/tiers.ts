const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Longest wait of each partition of a retry topic, in milliseconds. The last takes all others. */
const LONGEST_WAITS = [2 * MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR];

/** Partitions of a retry topic. */
export const TIERS = LONGEST_WAITS.length + 1;

/**
 * The partition of a retry topic for messages that wait for this long, in milliseconds. Messages with like
 * waits are in one partition, so that a short wait is not behind long ones. A topic with fewer
 * partitions has the longer waits in its last one.
 */
export function tierOf(wait: number, partitions: number = TIERS): number {
  const tier = LONGEST_WAITS.findIndex((longest) => wait <= longest);
  return Math.min(tier < 0 ? LONGEST_WAITS.length : tier, partitions - 1);
}
