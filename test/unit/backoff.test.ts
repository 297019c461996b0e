import { describe, expect, it } from 'vitest';
import { Backoff, backoffDelay } from '../../lib/core/backoff.js';

const base = { type: 'exponential', delay: 100, maxDelay: 1000, jitter: 0 } as const;

describe('backoff', () => {
  it('doubles up to its cap', () => {
    expect([1, 2, 3, 4, 5, 5000].map((n) => backoffDelay(base, n))).toEqual([
      100, 200, 400, 800, 1000, 1000,
    ]);
  });

  it('stays where it is fixed', () => {
    expect([1, 9].map((n) => backoffDelay({ ...base, type: 'fixed' }, n))).toEqual([100, 100]);
  });

  it('takes its random share off, never adds to it', () => {
    expect(backoffDelay({ ...base, jitter: 0.5 }, 1, () => 0)).toBe(100);
    expect(backoffDelay({ ...base, jitter: 0.5 }, 1, () => 1)).toBe(50);
  });
});

describe('the waits of a loop', () => {
  it('double up to the longest, less up to a half, and begin anew once it worked', () => {
    const backoff = new Backoff(100, 1000);
    for (const most of [100, 200, 400, 800, 1000, 1000]) {
      const wait = backoff.next();
      expect(wait).toBeGreaterThanOrEqual(most / 2);
      expect(wait).toBeLessThanOrEqual(most);
    }
    backoff.reset();
    expect(backoff.next()).toBeLessThanOrEqual(100);
  });
});
