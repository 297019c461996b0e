import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { bytesOfText } from '../../lib/core/codecs/text-bytes.js';
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
    streams: ['s', 'bytes', 'taken'],
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
  expect(await queue.redrive('s', { all: true })).toBe(2);
  await until('both are given up again', () => {
    return consumer.of('settled').filter(({ outcome }) => outcome === 'dead-lettered').length === 4;
  });
  expect(consumer.handled).toHaveLength(1);
  expect(consumer.of('worker-error')).toEqual([]);
  await close();
});

it('entries whose bytes are no UTF-8 become dead letters with the same bytes, and so when redriven', async () => {
  const key = `${server.prefix}bytes`;
  const payload = Buffer.from([0x22, 0xc3, 0xa4, 0xff, 0xe2, 0x82, 0x22]);
  await consumer.publish('bytes');
  await server.client.xadd(key, '*', 'event_type', 'made', 'payload', payload);
  await server.client.xadd(key, '*', 'event_type', Buffer.from([0x6d, 0x80]), 'payload', '1');
  await server.client.xadd(key, '*', 'event_type', 'made', 'payload', '"\uFFFD"');
  const givenUp = () =>
    consumer.of('settled').filter(({ outcome }) => outcome === 'dead-lettered').length;
  await until('both are given up', () => givenUp() === 2);
  await until('the others are handled', () => consumer.handled.length === 2);
  const letters = `{${key}}:dead-letter`;
  const stored = async () =>
    (await server.client.xrangeBuffer(letters, '-', '+')).map(([, fields]) => fields.slice(2));
  const bytes = [
    [Buffer.from('event_type'), Buffer.from('made'), Buffer.from('payload'), payload],
    [
      Buffer.from('event_type'),
      Buffer.from([0x6d, 0x80]),
      Buffer.from('payload'),
      Buffer.from('1'),
    ],
  ];
  expect(await stored()).toEqual(bytes);
  const { queue, close } = deadLetters();
  const { items } = await queue.list('bytes', 10);
  expect(items.map(({ reason }) => reason)).toEqual(['undecodable', 'undecodable']);
  expect(items[0]!.error!.message).toContain('no UTF-8 in the field "payload"');
  expect(items.map(({ fields }) => fields.map(bytesOfText))).toEqual(bytes);
  // A queue elsewhere hands them back by `put`.
  await queue.purge('bytes', { ids: [items[1]!.deadLetterId] });
  await queue.put(items[1]!, items[1]!.fields);
  expect(await stored()).toEqual(bytes);
  expect(await queue.redrive('bytes', { all: true })).toBe(2);
  await until('both are given up again', () => givenUp() === 4);
  expect(await stored()).toEqual(bytes);
  await close();
});

it('bytes that are no UTF-8 are kept by entries that are taken over, too', async () => {
  const key = `${server.prefix}taken`;
  const payload = Buffer.from([0x22, 0xff, 0x22]);
  await consumer.close();
  await server.client.xadd(key, '*', 'event_type', 'made', 'payload', payload);
  await server.client.call('XREADGROUP', 'GROUP', 'g', 'dead', 'STREAMS', key, '>');
  consumer = await RecordingConsumer.start({
    redis: { url: server.url },
    keyPrefix: server.prefix,
    streams: ['s', 'bytes', 'taken'],
  });
  await until('it is given up', () =>
    consumer.of('settled').some(({ outcome }) => outcome === 'dead-lettered'),
  );
  const [letter] = await server.client.xrangeBuffer(`{${key}}:dead-letter`, '-', '+');
  expect(letter![1].at(-1)).toEqual(payload);
  expect(consumer.handled).toEqual([]);
});
