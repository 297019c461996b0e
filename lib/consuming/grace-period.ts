/** Of a grace period of 30 s or more: how long before its end runs are given up, and closing has ended, ms. */
const RUNS_END = 3000;
const CLOSED = 1000;
const LONG = 30_000;
/** What comes after the runs has this long at least, however short the grace period is, ms. */
const LEAST = 1000;

/** Until when each part of a shutdown may last, ms after its begin. */
export interface GracePeriod {
  /** Runs are awaited. */
  readonly runs: number;
  /** The last settlements are carried out. */
  readonly settled: number;
  /** Consumers end. */
  readonly drained: number;
  /** Everything else ends. */
  readonly closed: number;
}

/**
 * How a shutdown divides `gracePeriod`, so that the whole of it ends in time: for 30 s runs have 27 s,
 * and closing has ended after 29 s. Shorter ones are divided alike.
 */
export function graceOf(gracePeriod: number): GracePeriod {
  const share = Math.min(gracePeriod / LONG, 1);
  const runs = gracePeriod - RUNS_END * share;
  const rest = Math.max((RUNS_END - CLOSED) * share, LEAST);
  return { runs, settled: runs + rest / 2, drained: runs + (rest * 3) / 4, closed: runs + rest };
}
