/**
 * For a grace period of 30 s or more: time before its end at which runs are given up, and at which
 * closing has ended, in milliseconds.
 */
const RUNS_END = 3000;
const CLOSED = 1000;
const LONG = 30_000;
/** Least time for what comes after the runs, however short the grace period is, in milliseconds. */
const LEAST = 1000;

/** Until when each part of a shutdown may last, in milliseconds after its begin. */
export interface GracePeriod {
  /** Runs are awaited until then. */
  readonly runs: number;
  /** The last settlements are carried out until then. */
  readonly settled: number;
  /** Consumers end until then. */
  readonly drained: number;
  /** Everything else ends until then. */
  readonly closed: number;
}

/**
 * How a shutdown divides `gracePeriod`, so that the whole of it ends in time. Of 30 s runs have 27
 * s, and closing has ended after 29 s. Shorter periods are divided in the same proportion.
 */
export function graceOf(gracePeriod: number): GracePeriod {
  const share = Math.min(gracePeriod / LONG, 1);
  const runs = gracePeriod - RUNS_END * share;
  const rest = Math.max((RUNS_END - CLOSED) * share, LEAST);
  return { runs, settled: runs + rest / 2, drained: runs + (rest * 3) / 4, closed: runs + rest };
}
