/** How long a failed run waits before the next one. `retry-policy.ts` decides whether that counts. */
export interface BackoffPolicy {
  readonly type: 'fixed' | 'exponential';
  /** Wait after the first failed run, ms. */
  readonly delay: number;
  /** Longest wait, ms. */
  readonly maxDelay: number;
  /** Share of the wait that is random, 0 to 1. */
  readonly jitter: number;
}

/** Wait after the given run failed (1 is the first run), in milliseconds. */
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

/**
 * The waits of a loop that tries again. Each is twice as long as the one before, less a random part
 * of up to a half.
 */
export class Backoff {
  private failures = 0;
  private readonly policy: BackoffPolicy;

  /**
   * @param first first wait, in milliseconds
   * @param longest longest wait, in milliseconds
   */
  constructor(first = 50, longest = 2000) {
    this.policy = { type: 'exponential', delay: first, maxDelay: longest, jitter: 0.5 };
  }

  /** The next wait, in milliseconds. */
  next(): number {
    return backoffDelay(this.policy, ++this.failures);
  }

  /** Call it after a success: the next wait is a first one again. */
  reset(): void {
    this.failures = 0;
  }
}
