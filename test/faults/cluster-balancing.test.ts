import { afterAll, beforeAll, expect, it } from 'vitest';
import { announce, Balanced } from '../support/balancing.js';
import { startCluster, type TestCluster } from '../support/redis-cluster.js';
import { until } from '../support/until.js';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster();
}, 30_000);
afterAll(() => cluster.stop());

it('of two announcements of one name that are read together one waits for the other', async () => {
  const input = await cluster.at('two-input');
  for (let n = 0; n < 2; n++) await announce(input, 'same', { n }, 'two');
  const redis = { cluster: cluster.addresses };
  const options = { redis, service: 'two', consumerId: 'a', scanInterval: 300 };
  const a = (await Balanced.start(options)).claims();
  for (const n of [2, 1]) {
    await until('it is owned', () => a.owned.length === 1, 5000);
    expect(await input.xlen('two-input')).toBe(n);
    await a.balancer.complete('same');
  }
  expect(a.said.filter((said) => said === 'StreamAdded same')).toHaveLength(2);
});

it('on a cluster streams are owned, handed over, taken from the dead, and completed', async () => {
  const redis = { cluster: cluster.addresses };
  const start = async (consumerId: string) =>
    (await Balanced.start({ redis, consumerId, scanInterval: 300 })).claims();
  const a = await start('a');
  for (let index = 0; index < 6; index++) await a.balancer.add(`s${index}`);
  await until('a owns all', () => a.owned.length === 6);
  const b = await start('b');
  await until('they share', () => a.owned.length === 3 && b.owned.length === 3);
  const tokens = new Map(a.balancer.streams().map(({ stream, token }) => [stream, token]));
  await a.die();
  await until('b owns all', () => b.owned.length === 6);
  for (const { stream, token } of b.balancer.streams()) {
    expect(token).toBeGreaterThan(tokens.get(stream) ?? 0);
  }
  await b.balancer.end(true, 'done');
  const input = await cluster.at('svc-input');
  expect(await input.xlen('svc-input')).toBe(0);
});

it('on a cluster nothing is taken from another program that has the lock', async () => {
  const redis = { cluster: cluster.addresses };
  const a = await Balanced.start({ redis, service: 'held', consumerId: 'a', scanInterval: 300 });
  await a.balancer.add('stale');
  await until('it is owned', () => a.owned.length === 1, 5000);
  const [held] = a.balancer.streams();
  const lock = `stale<MUTEX_KEY_SEP>${held!.id}`;
  // A program without tokens has taken the lock, and reads; this consumer has not heard yet.
  await (await cluster.at(lock)).set(lock, 'other', 'PX', 60_000);
  const data = await cluster.at('stale');
  await data.xgroup('CREATE', 'stale', 'g', '0', 'MKSTREAM');
  await data.xadd('stale', '*', 'n', '1');
  await data.xreadgroup('GROUP', 'g', 'other', 'COUNT', 1, 'STREAMS', 'stale', '>');
  const reading = {
    group: 'g',
    startId: '0',
    blockTimeout: 2000,
    runsWithin: 1000,
    onFinished: () => undefined,
  };
  const subscription = a.balancer.subscribe(reading);
  subscription.add(held!);
  const pulled = subscription.pull(1);
  await a.hears('StreamDisowned stale');
  await subscription.stop();
  expect(await pulled).toEqual([]);
  expect((await data.xpending('stale', 'g'))[3]).toEqual([['other', '1']]);
  await subscription.close();
});
