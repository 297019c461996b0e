import { DeadLetters } from 'nestjs-redis-streams';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { orderOf, redisOfPrograms, started } from '../support/coming-from.js';
import { until } from '../support/until.js';
import { shopCodec } from '../../sample/docs/coming-from/xreadgroup/shop.codec.js';

const redis = await redisOfPrograms();
const before = await import('../../sample/docs/coming-from/xreadgroup/before.orders.js');
const after = await import('../../sample/docs/coming-from/xreadgroup/after.orders.js');
afterAll(() => redis.stop());
beforeEach(() => redis.client.flushall());

const unsettled = () => redis.unsettled('orders', 'billing');
const settled = async () => (await unsettled()) === 0;
const ids = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => `o-${from + at}`);

/** As if the old process had died a minute ago. `count`: how often each was delivered to it. */
async function age(entries: readonly string[], count = 1): Promise<void> {
  const options = ['IDLE', 60_000, 'RETRYCOUNT', count, 'JUSTID'];
  await redis.client.call('XCLAIM', 'orders', 'billing', 'billing-1', 0, ...entries, ...options);
}

const pendingIds = async (): Promise<string[]> => {
  const pending = await redis.client.xpending('orders', 'billing', '-', '+', 100);
  return (pending as [string][]).map(([id]) => id);
};

it('before: a run that fails leaves its entry pending, and no run follows', async () => {
  const old = await started(before.bootstrap);
  old.failOnce();
  for (const id of ids(0, 3)) await old.app.get(before.Checkout).buy(orderOf(id));
  await until('all were run', () => old.reserved().length === 3);
  await until('one is left', async () => (await unsettled()) === 1);
});

it('entries that the old program left pending are taken over, each once', async () => {
  const old = await started(before.bootstrap);
  for (const id of ids(0, 6)) {
    if (id !== 'o-0') old.failOnce();
    await old.app.get(before.Checkout).buy(orderOf(id));
    await until(`${id} was run`, () => old.reserved().includes(id));
  }
  await until('five are left', async () => (await unsettled()) === 5);
  await old.close();
  for (const id of ids(6, 9)) await redis.client.xadd('orders', '*', ...entry(id));
  const [usedUp, ...left] = await pendingIds();
  await age(left);
  await age([usedUp!], 5);

  const young = await started(after.bootstrap);
  await until('all is settled', settled);
  expect(young.reserved().toSorted()).toEqual(ids(2, 9));

  // Runs of the old program count: o-1 has none left.
  const letters = young.app.get(DeadLetters);
  const { items } = await letters.list('orders');
  expect(items).toMatchObject([{ reason: 'crashed', attempts: 5, payload: orderOf('o-1') }]);
  await letters.redrive('orders', { group: 'billing' });
  await until('o-1 was run', () => young.reserved().includes('o-1'));
  expect(young.reserved()).toHaveLength(8);
});

it('old and new programs share the group, and read what the others write', async () => {
  const [old, young] = [await started(before.bootstrap), await started(after.bootstrap)];
  const published: string[] = [];
  await until('each program has handled something', async () => {
    for (const checkout of [old.app.get(before.Checkout), young.app.get(after.Checkout)]) {
      published.push(`o-${published.length}`);
      await checkout.buy(orderOf(published.at(-1)!));
    }
    return [old, young].every((program) => program.reserved().length > 3);
  });
  const runs = () => [...old.reserved(), ...young.reserved()];
  await until('all is handled', () => runs().length >= published.length);
  await until('all is settled', settled);
  expect(runs().toSorted()).toEqual(published.toSorted());
});

it('an entry in another layout becomes a dead letter, and others go on', async () => {
  const young = await started(after.bootstrap);
  await redis.client.xadd('orders', '*', 'kind', 'order.placed');
  await young.app.get(after.Checkout).buy(orderOf('o-1'));
  await until('all is settled', async () => (await settled()) && young.reserved().length === 1);
  const { items } = await young.app.get(DeadLetters).list('orders');
  expect(items).toMatchObject([{ reason: 'undecodable', fields: ['kind', 'order.placed'] }]);
});

it('the codec reads what it writes, and what the old program wrote', () => {
  const message = {
    stream: 'orders',
    eventType: 'order.placed',
    payload: orderOf('o-1'),
    metadata: { tenant: 'a' },
  };
  const fields = shopCodec.encode(message);
  expect(shopCodec.eventType(fields, 'orders')).toBe('order.placed');
  expect(shopCodec.decode(fields)).toMatchObject({
    payload: orderOf('o-1'),
    metadata: { tenant: 'a' },
  });
  expect(shopCodec.decode(entry('o-1'))).toEqual({
    payload: orderOf('o-1'),
    timestamp: '2023-11-14T22:13:20.000Z',
  });
});

function entry(id: string): string[] {
  return ['type', 'order.placed', 'body', JSON.stringify(orderOf(id)), 'at', '1700000000000'];
}
