import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/events.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';

let server: TestRedis;
let consumer: RecordingConsumer;
beforeAll(async () => {
  server = await testRedis();
});
afterAll(() => server.cleanup());

beforeEach(async () => {
  consumer = await RecordingConsumer.start({
    redis: { url: server.url },
    keyPrefix: server.prefix,
    streams: ['s'],
  });
});
afterEach(() => consumer.close());

function deadLetters() {
  const driver = redis({ url: server.url }).open({
    events: new EventBus(),
    keyPrefix: server.prefix,
  });
  return { queue: driver.deadLetters!, close: () => driver.source.close() };
}

it('entries that others wrote in odd ways become dead letters, and stop nothing', async () => {
  const key = `${server.prefix}s`;
  await consumer.publish('s');
  // A field of the name that we pack fields under, and an id that is no time of this world.
  await server.client.xadd(key, '*', 'packed_fields', 'hello');
  await server.client.xadd(key, '17000000000000000000-0', 'nobody', 'knows');
  await until('both are given up', () => {
    return consumer.of('settled').filter(({ outcome }) => outcome === 'dead-lettered').length === 2;
  });
  const { queue, close } = deadLetters();
  const { items } = await queue.list('s', 10);
  expect(items.map(({ fields, reason }) => [fields, reason])).toEqual([
    [['packed_fields', 'hello'], 'undecodable'],
    [['nobody', 'knows'], 'undecodable'],
  ]);
  expect(await queue.redrive('s', {})).toBe(2);
  await until('both are given up again', () => {
    return consumer.of('settled').filter(({ outcome }) => outcome === 'dead-lettered').length === 4;
  });
  expect(consumer.handled).toHaveLength(1);
  expect(consumer.of('worker-error')).toEqual([]);
  await close();
});
