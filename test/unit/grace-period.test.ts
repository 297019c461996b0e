import { expect, it } from 'vitest';
import { graceOf } from '../../lib/consuming/grace-period.js';

it('30 s are enough for all: runs end 3 s before, and closing has ended 1 s before', () => {
  expect(graceOf(30_000)).toMatchObject({ runs: 27_000, closed: 29_000 });
  expect(graceOf(120_000)).toMatchObject({ runs: 117_000, closed: 119_000 });
});

it('shorter ones are divided alike, with a second at least for what comes after the runs', () => {
  expect(graceOf(15_000)).toMatchObject({ runs: 13_500, closed: 14_500 });
  expect(graceOf(1000)).toMatchObject({ runs: 900, closed: 1900 });
  expect(graceOf(0)).toMatchObject({ runs: 0, closed: 1000 });
});

it('the parts follow one another', () => {
  for (const gracePeriod of [0, 500, 5000, 30_000, 600_000]) {
    const { runs, settled, drained, closed } = graceOf(gracePeriod);
    expect([runs, settled, drained, closed].toSorted((a, b) => a - b)).toEqual([
      runs,
      settled,
      drained,
      closed,
    ]);
  }
});
