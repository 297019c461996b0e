import { expect, it } from 'vitest';
import { markApart } from '../../../lib/consuming/settling/other-stores/mark-apart.js';
import { ack } from '../../../lib/core/settlement.js';
import type { Settling } from '../../../lib/ports/source.js';
import { MemoryBroker } from '../../../lib/drivers/memory/broker/memory.broker.js';
import { MemoryCompletions } from '../../../lib/drivers/memory/memory.completions.js';

it('what was published and could not be marked is marked at the next try, and not published again', async () => {
  const completions = new MemoryCompletions(new MemoryBroker(), '');
  const complete = completions.complete.bind(completions);
  let away = true;
  completions.complete = async (some) => {
    if (away) throw new Error('the store is away');
    return complete(some);
  };
  let published = 0;
  const settle = markApart(async (batch) => {
    published += batch.length;
    return batch.map(() => (published > 1 ? 'gone' : 'settled'));
  }, completions);
  const key = { stream: 's', group: 'g', handler: 'A.a', key: '1' };
  const lease = { stream: 's', id: '1-0', publishedAt: 1, attempt: 1, charged: true, fields: [] };
  const publish = [{ stream: 't', fields: ['a', 'b'] }];
  const settlement = { ...ack, publish, completes: { claim: key, ttl: 60_000 } };
  const batch: Settling[] = [{ lease, settlement }];
  expect(await settle(batch)).toEqual([new Error('the store is away')]);
  away = false;
  expect(await settle(batch)).toEqual(['settled']);
  expect(published).toBe(1);
  expect(await completions.claim([{ ...key, owner: 'B' }], 8000)).toEqual(['done']);
});
