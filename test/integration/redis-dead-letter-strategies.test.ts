import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { DeadLetterStrategy } from '../../lib/core/dead-letter-strategy.js';
import { memory } from '../../lib/drivers/memory/index.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { RecordingConsumer, type ConsumeOptions } from '../support/recording-consumer.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { inAllSlots } from '../support/in-all-slots.js';
import { elapse } from '../support/passing-time.js';
import { until } from '../support/until.js';

let server: TestRedis;
let consumer: RecordingConsumer;
beforeAll(async () => {
  server = await testRedis();
});
afterAll(() => server.cleanup());
afterEach(() => consumer.close());

const fails = (): void => {
  throw new Error('no stock');
};

async function started(
  stream: string,
  deadLetter: DeadLetterStrategy,
  more: Partial<ConsumeOptions> = {},
): Promise<void> {
  consumer = await RecordingConsumer.start({
    redis: { url: server.url },
    keyPrefix: server.prefix,
    streams: [stream],
    maxDeliveries: 1,
    handle: fails,
    deadLetter,
    ...more,
  });
}

const settled = (count: number) =>
  until(`${count} are settled`, () => consumer.of('settled').length >= count);

it('drop acknowledges, and stores nothing', async () => {
  await started('dropped', 'drop');
  await consumer.publish('dropped', 3);
  await settled(3);
  expect(consumer.of('settled').map(({ outcome }) => outcome)).toEqual(Array(3).fill('dropped'));
  const key = `${server.prefix}dropped`;
  expect(await server.client.xpending(key, 'g')).toEqual([0, null, null, null]);
  expect(await server.client.exists(`{${key}}:dead-letter`)).toBe(0);
});

it('forward publishes in the step of the acknowledgement', async () => {
  await started('paid', { forward: 'failed' });
  const [id] = await consumer.publish('paid');
  await settled(1);
  const [[, fields]] = (await server.client.xrange(`${server.prefix}failed`, '-', '+')) as [
    [string, string[]],
  ];
  expect(fields.slice(0, 5)).toEqual(['event_type', 'made', 'payload', '0', 'metadata']);
  expect(JSON.parse(fields[5]!)).toMatchObject({ 'dead-letter-id': id, 'dead-letter-hops': '1' });
  expect(await server.client.xpending(`${server.prefix}paid`, 'g')).toEqual([0, null, null, null]);
});

it('forward keeps bytes that are no UTF-8', async () => {
  await started('bytes', { forward: 'odd' });
  const payload = Buffer.from([0x22, 0xc3, 0xa4, 0xff, 0x22]);
  await server.client.xadd(`${server.prefix}bytes`, '*', 'event_type', 'made', 'payload', payload);
  await settled(1);
  const [entry] = await server.client.xrangeBuffer(`${server.prefix}odd`, '-', '+');
  expect(entry![1].slice(0, 4)).toEqual([
    Buffer.from('event_type'),
    Buffer.from('made'),
    Buffer.from('payload'),
    payload,
  ]);
  expect(await server.client.xpending(`${server.prefix}bytes`, 'g')).toEqual([0, null, null, null]);
});

it('forward to a key of another type waits, and loses nothing', async () => {
  await server.client.set(`${server.prefix}taken`, 'a text');
  await started('waits', { forward: 'taken' });
  await consumer.publish('waits');
  await until('it was refused', () => consumer.of('worker-error').length > 0);
  expect((await server.client.xpending(`${server.prefix}waits`, 'g'))[0]).toBe(1);
  await server.client.del(`${server.prefix}taken`);
  await settled(1);
  expect(await server.client.xlen(`${server.prefix}taken`)).toBe(1);
});

it('a redriven message is forwarded again', async () => {
  let strategy: 'queue' | { forward: string } = 'queue';
  await started('again', () => strategy);
  const [id] = await consumer.publish('again');
  await settled(1);
  strategy = { forward: 'after' };
  expect(await consumer.runtime.admin.deadLetters.redrive('again', { all: true })).toBe(1);
  await settled(2);
  const [[, fields]] = (await server.client.xrange(`${server.prefix}after`, '-', '+')) as [
    [string, string[]],
  ];
  expect(JSON.parse(fields[5]!)).toMatchObject({ 'dead-letter-id': id });
});

it('messages on hold belong to no consumer that lives, crashes or is counted', async () => {
  const crashedAfter = 900;
  await started('holding', 'hold', { consumer: 'a', crashedAfter });
  await consumer.publish('holding', 3);
  await settled(3);
  const { groups, heldMessages } = consumer.runtime.admin;
  expect((await heldMessages.list('holding', 'g')).items).toHaveLength(3);
  await elapse(3 * crashedAfter);
  expect(consumer.of('consumer-crashed')).toEqual([]);
  expect(consumer.of('settled')).toHaveLength(3);
  expect((await groups.listConsumers('holding', 'g')).map(({ name }) => name)).toEqual(['a']);
  expect(await groups.getGroupInfo('holding', 'g')).toMatchObject({ consumers: 1, pending: 3 });
  expect((await groups.liveConsumers('holding', 'g')).unannounced).toEqual([]);
  expect(await heldMessages.release('holding', { group: 'g' })).toBe(3);
  await settled(6);
  expect(consumer.of('settled').map(({ outcome }) => outcome)).toEqual(Array(6).fill('held'));
  // The consumer of the stream that held nothing any more has gone.
  const rows = (await server.client.xinfo(
    'CONSUMERS',
    `${server.prefix}holding`,
    'g',
  )) as string[][];
  expect(rows.map((row) => row[1])).toEqual(['a']);
  await groups.deleteGroup('holding', 'g');
  expect((await heldMessages.list('holding', 'g')).items).toEqual([]);
  expect(await server.client.exists(`{${server.prefix}holding}:held:g`)).toBe(0);
});

it('messages on hold leave no record behind, however they end', async () => {
  const hash = `{${server.prefix}ended}:held:g`;
  await started('ended', 'hold');
  const ids = await consumer.publish('ended', 3);
  await settled(3);
  const { driver } = consumer.runtime;
  expect(await server.client.hlen(hash)).toBe(3);
  expect(await driver.pending!.acknowledge('ended', 'g', [ids[0]!, '1-0'])).toBe(1);
  expect(await server.client.hlen(hash)).toBe(2);
  // By another program, which knows of no records.
  await server.client.xack(`${server.prefix}ended`, 'g', ids[1]!);
  await consumer.close();
  expect(await server.client.hlen(hash)).toBe(2);
  await started('other', 'hold');
  expect(await consumer.runtime.admin.heldMessages.release('ended', { group: 'g' })).toBe(1);
  expect(await server.client.exists(hash)).toBe(0);
});

it('hold of a message whose data is gone stores the letter in the queue of the slot', async () => {
  const stream = 'deleted';
  consumer = new RecordingConsumer({
    redis: { url: server.url },
    keyPrefix: server.prefix,
    streams: [stream],
    maxDeliveries: 1,
    deadLetter: 'hold',
    slots: { ...inAllSlots(redis({ url: server.url })), deadLetterQueue: memory() },
    handle: async ({ id }) => {
      await server.client.xdel(`${server.prefix}${stream}`, id);
      fails();
    },
  });
  await consumer.start();
  const [id] = await consumer.publish(stream);
  await settled(1);
  expect(consumer.of('settled').map(({ outcome }) => outcome)).toEqual(['dead-lettered']);
  const { deadLetters, heldMessages } = consumer.runtime.admin;
  expect((await deadLetters.list(stream)).items).toMatchObject([{ id, payload: 0 }]);
  expect((await heldMessages.list(stream, 'g')).items).toEqual([]);
  const key = `${server.prefix}${stream}`;
  expect(await server.client.exists(`{${key}}:dead-letter`, `{${key}}:held:g`)).toBe(0);
  expect(await server.client.xpending(key, 'g')).toEqual([0, null, null, null]);
});
