import { afterEach, beforeEach, expect, it } from 'vitest';
import { StreamConsumers } from '../../lib/runtime/stream-consumers/stream-consumers.js';
import type { StreamsEvents } from '../../lib/core/events.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import {
  BLOCK_TIMEOUT,
  GROUP,
  IDLE_TIMEOUT,
  RECLAIM_INTERVAL,
  Scene,
  STREAM,
} from './support/scene.js';
import { quiet } from '../support/passing-time.js';
import { until } from '../support/until.js';
import { inAllSlots } from '../support/in-all-slots.js';

const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

let scene: Scene;
let runtime: StreamsRuntime;
beforeEach(async () => {
  scene = await Scene.open(DURABLE);
  runtime = new StreamsRuntime({
    slots: inAllSlots(redis({ url: scene.server.url, commandTimeout: 400, connectTimeout: 400 })),
    group: GROUP,
    idleTimeout: IDLE_TIMEOUT,
    reclaimInterval: RECLAIM_INTERVAL,
    blockTimeout: BLOCK_TIMEOUT,
    crashedAfter: 1.5 * IDLE_TIMEOUT,
  });
});
afterEach(async () => {
  await runtime.close();
  await scene.close();
});

const publish = (payload: object): Promise<string> =>
  runtime.producer.publish({ eventType: 'made', payload, stream: STREAM });

it('a process is killed while entries are kept, and run: another consumer is given all of them', async () => {
  const ids = [await publish({ kept: true }), await publish({ hangs: true })];
  const victim = scene.begin('victim', { script: 'consumer.js' });
  await victim.ready();
  await until('both were called', () => victim.count('called') === 2);
  await until('one is kept', async () => {
    const rows = (await scene.client.xpending(STREAM, GROUP, '-', '+', 10)) as [
      string,
      string,
      number,
      number,
    ][];
    return rows.some(([id, , , count]) => id === ids[0] && count === 0);
  });
  await victim.kill();

  const crashes: StreamsEvents['consumer-crashed'][] = [];
  runtime.events.on('consumer-crashed', (event) => crashes.push(event));
  const given: { id: string; attempt: number }[] = [];
  const survivor = new StreamConsumers(runtime).create({ stream: STREAM, consumer: 'survivor' });
  const subscribed = survivor.subscribe(({ id }, { attempt }) => given.push({ id, attempt }) > 0);
  await until('both were taken over', () => given.length === 2);
  expect(given.sort((a, b) => a.attempt - b.attempt)).toEqual([
    { id: ids[0], attempt: 1 },
    { id: ids[1], attempt: 2 },
  ]);
  await until('the crash is told', () => crashes.length > 0);
  expect(crashes).toHaveLength(1);
  expect(crashes[0]!.error).toMatchObject({ consumer: 'victim', group: GROUP, pending: 2 });
  await until('nothing is pending', async () => (await scene.pending()).length === 0);
  await survivor.close();
  await subscribed;
});

it('Redis is killed and comes back while a consumer is subscribed', async () => {
  const consumers = new StreamConsumers(runtime);
  const consumer = consumers.create<Record<string, { n: number }>>({
    stream: STREAM,
    consumer: 'c',
  });
  const given: unknown[] = [];
  let ended = false;
  const subscribed = consumer
    .subscribe(({ payload }) => {
      given.push(payload.n);
      return payload.n !== 1;
    })
    .finally(() => (ended = true));
  const kept = await publish({ n: 1 });
  await until('it is kept', async () => (await consumer.getPending())[0]?.delivered === 0);
  await consumer.pause();
  await scene.server.kill();
  // Both are awaited at once: a rejection that no one has looked at yet would fail the test.
  const asked = await Promise.allSettled([consumer.getPending(), consumer.acknowledge(kept)]);
  expect(asked).toMatchObject([
    { status: 'rejected', reason: { code: 'REDIS_CONNECTION' } },
    { status: 'rejected', reason: { code: 'REDIS_CONNECTION' } },
  ]);
  await expect(
    new StreamConsumers(runtime).create({ stream: 'other' }).subscribe(() => true),
  ).rejects.toMatchObject({ code: 'REDIS_CONNECTION' });
  await scene.server.start();
  await until('connected again', async () => {
    return publish({ n: 2 }).then(
      () => true,
      () => false,
    );
  });
  await quiet(BLOCK_TIMEOUT);
  expect(given).toEqual([1]);
  await consumer.resume();
  await until('it reads on', () => given.includes(2));
  expect((await consumer.getPending()).map(({ id }) => id)).toEqual([kept]);
  expect(given.filter((n) => n === 1)).toHaveLength(1);
  expect(await consumer.acknowledge(kept)).toBe(1);
  expect(ended).toBe(false);
  await consumer.close();
  await subscribed;
});
