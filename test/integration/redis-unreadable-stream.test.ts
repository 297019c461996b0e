import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { WrongKeyTypeError } from '../../lib/core/errors/server.errors.js';
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
    streams: ['a', 'b'],
  });
});
afterEach(async () => {
  await consumer.close();
  await server.client.del(`${server.prefix}a`, `${server.prefix}b`);
});

it('a key that holds something else stops no other stream, and is read again when it holds a stream', async () => {
  const key = `${server.prefix}a`;
  const first = await consumer.publish('a', 2);
  await until('they are handled', () => consumer.handled.length === 2);
  await server.client.multi().del(key).set(key, 'no stream').exec();
  await until('it is left out', () => consumer.of('stream-unreadable').length > 0);
  const [unreadable] = consumer.of('stream-unreadable');
  expect(unreadable).toMatchObject({ stream: 'a', group: 'g', error: { code: 'WRONG_KEY_TYPE' } });
  await expect(consumer.publish('a')).rejects.toThrow(WrongKeyTypeError);

  const others = await consumer.publish('b', 3);
  await until('the other stream goes on', () => consumer.ids('b').length === 3);
  expect(consumer.ids('b')).toEqual(others);

  await server.client.del(key);
  const again = await consumer.publish('a', 2);
  await until('it is read again', () => consumer.ids('a').length === 4);
  expect(consumer.ids('a')).toEqual([...first, ...again]);
  expect(consumer.of('stream-unreadable')).toHaveLength(1);
});

it('a stream that is deleted delays no other stream', async () => {
  for (let round = 1; round <= 3; round++) {
    await server.client.del(`${server.prefix}a`);
    await consumer.publish('b', 5);
    await until('the other stream goes on', () => consumer.ids('b').length === round * 5, 1000);
  }
  await consumer.publish('a');
  await until('so does the deleted one', () => consumer.ids('a').length === 1);
  expect(consumer.of('stream-unreadable')).toEqual([]);
});

it('a key in the place of the noted positions does not stop the looks after any stream', async () => {
  const floor = `{${server.prefix}a}:floor`;
  await until('positions are noted', async () => (await server.client.exists(floor)) === 1);
  await server.client.multi().del(floor).set(floor, 'no hash').exec();
  // Read, in the same step, by a consumer that says nothing more.
  const key = `${server.prefix}b`;
  await server.client
    .multi()
    .xadd(key, '*', 'event_type', 'made', 'payload', '1')
    .call('XREADGROUP', 'GROUP', 'g', 'gone', 'STREAMS', key, '>')
    .exec();
  await until('it is taken over', () => consumer.ids('b').length === 1);
  expect(consumer.of('worker-error')).toEqual([]);
  await server.client.del(floor);
});
