/** How long a failed run waits before the next one, with everything decided. */
export interface BackoffPolicy {
  readonly type: 'fixed' | 'exponential';
  /** Wait after the first failed run, ms. */
  readonly delay: number;
  /** Longest wait, ms. */
  readonly maxDelay: number;
  /** Share of the wait that is random, 0 to 1. */
  readonly jitter: number;
}

/** How long to wait after the given run failed (1 is the first), ms. */
export function backoffDelay(
  backoff: BackoffPolicy,
  attempt: number,
  random: () => number = Math.random,
): number {
  const base =
    backoff.type === 'fixed' ? backoff.delay : backoff.delay * 2 ** Math.min(attempt - 1, 50);
  const capped = Math.min(base, backoff.maxDelay);
  return Math.round(capped * (1 - backoff.jitter * random()));
}

/** The waits of a loop that tries again: each twice as long as the one before, less up to a half. */
export class Backoff {
  private failures = 0;
  private readonly policy: BackoffPolicy;

  /** Of the first wait, and of the longest, ms. */
  constructor(first = 50, longest = 2000) {
    this.policy = { type: 'exponential', delay: first, maxDelay: longest, jitter: 0.5 };
  }

  /** How long to wait now, ms. */
  next(): number {
    return backoffDelay(this.policy, ++this.failures);
  }

  /** It worked: the next wait is a first one again. */
  reset(): void {
    this.failures = 0;
  }
}
