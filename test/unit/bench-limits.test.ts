import { describe, expect, it } from 'vitest';
import { missed, without } from '../../bench/limits.js';

describe('the limits of the bench', () => {
  const limits = { fast: { atLeast: 0.8 }, late: { atMost: 2 } };

  it('are kept up to the limit itself', () => {
    expect(missed({ fast: 0.8, late: 2, other: 0 }, limits)).toEqual([]);
  });

  it('are missed by what is beyond them, and by what was not measured', () => {
    expect(missed({ fast: 0.79, late: 2.01 }, limits)).toEqual([
      'fast is 0.79, and should be at least 0.8',
      'late is 2.01, and should be at most 2',
    ]);
    expect(missed({ fast: 1 }, limits)).toHaveLength(1);
  });

  it('are left out by the beginning of their names', () => {
    const all = { nats_drain: { atLeast: 1 }, drain_nats: { atLeast: 1 } };
    expect(without(all, 'nats_')).toEqual({ drain_nats: { atLeast: 1 } });
  });
});
