import type { BackoffOptions } from '../core/handler-options.js';

/** How long to wait after the given run failed (1 is the first), ms. */
export function backoffDelay(
  backoff: Required<BackoffOptions>,
  attempt: number,
  random: () => number = Math.random,
): number {
  const base =
    backoff.type === 'fixed' ? backoff.delay : backoff.delay * 2 ** Math.min(attempt - 1, 50);
  const capped = Math.min(base, backoff.maxDelay);
  return Math.round(capped * (1 - backoff.jitter * random()));
}
