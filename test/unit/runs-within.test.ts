import { expect, it } from 'vitest';
import type { BoundHandler } from '../../lib/core/delivery.js';
import { HandlerTable } from '../../lib/consuming/plan/handler-table.js';
import { runsWithin } from '../../lib/consuming/plan/runs-within.js';

function table(stream: string, handler: Partial<BoundHandler>): HandlerTable {
  const made = new HandlerTable(stream, 'g', undefined);
  made.add('x', handler as BoundHandler, true);
  return made;
}

it('the runs of a message follow each other within all its waits, the longest of any handler', () => {
  const backoff = { type: 'exponential', delay: 1000, maxDelay: 3_600_000, jitter: 0.5 } as const;
  const usual = table('a', { maxDeliveries: 5, backoff });
  const patient = table('b', { maxDeliveries: 20, backoff });
  expect(runsWithin([usual], 30_000)).toBe(5 * (30_000 + 16_000));
  expect(runsWithin([usual, patient], 30_000)).toBe(20 * (30_000 + 3_600_000));
  expect(runsWithin([], 30_000)).toBe(0);
});
