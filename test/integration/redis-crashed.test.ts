import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { StreamConsumers } from '../../lib/runtime/stream-consumers/stream-consumers.js';
import { ConsumerCrashedError } from '../../lib/core/errors/subscription.errors.js';
import { quiet } from '../support/passing-time.js';
import { RecordingConsumer, type ConsumeOptions } from '../support/recording-consumer.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';

let server: TestRedis;
let stream: string;
let streams = 0;
const consumers: RecordingConsumer[] = [];
beforeAll(async () => {
  server = await testRedis();
});
afterAll(() => server.cleanup());
afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.close()));
});

const fresh = () => (stream = `s${++streams}`);

async function start(options: Partial<ConsumeOptions> = {}): Promise<RecordingConsumer> {
  const consumer = await RecordingConsumer.start({
    redis: { url: server.url },
    keyPrefix: server.prefix,
    streams: [stream],
    crashedAfter: 700,
    ...options,
  });
  consumers.push(consumer);
  return consumer;
}

/** Has entries read by a consumer that then says nothing more. */
async function abandon(count: number): Promise<void> {
  const key = server.prefix + stream;
  await server.client.xgroup('CREATE', key, 'g', '0', 'MKSTREAM');
  for (let n = 0; n < count; n++) {
    await server.client.xadd(key, '*', 'event_type', 'made', 'payload', '{}');
  }
  await server.client.call('XREADGROUP', 'GROUP', 'g', 'gone', 'STREAMS', key, '>');
}

/** Longer than a consumer may be silent, with the looks that it takes to tell. */
const longEnough = () => quiet(1200);

it('a consumer that fell silent is told of once, with what was taken over from it', async () => {
  fresh();
  await abandon(3);
  const consumer = await start();
  await until('its entries are handled', () => consumer.handled.length === 3);
  await until('it is told of', () => consumer.of('consumer-crashed').length > 0);
  await longEnough();
  const [crash, ...more] = consumer.of('consumer-crashed');
  expect(more).toEqual([]);
  expect(crash).toMatchObject({ stream, group: 'g', consumer: 'gone' });
  expect(crash!.error).toBeInstanceOf(ConsumerCrashedError);
  expect(crash!.error).toMatchObject({
    code: 'CONSUMER_CRASHED',
    stream,
    group: 'g',
    consumer: 'gone',
    pending: 3,
  });
  expect(crash!.error.idleMs).toBeGreaterThan(700);
});

it('what a crashed consumer still holds counts, while no other takes it over', async () => {
  fresh();
  await abandon(2);
  const consumer = await start({ idleTimeout: 60_000 });
  await until('it is told of', () => consumer.of('consumer-crashed').length > 0);
  expect(consumer.of('consumer-crashed')[0]!.error).toMatchObject({ pending: 2 });
  const crashed = await new StreamConsumers(consumer.runtime)
    .checkLiveness(stream)
    .catch((error: unknown) => error);
  expect(crashed).toMatchObject({ code: 'CONSUMER_CRASHED', consumer: 'gone', pending: 2 });
  expect(consumer.handled).toEqual([]);
});

it('one that comes back, and falls silent again, is told of again', async () => {
  fresh();
  await abandon(1);
  const consumer = await start({ idleTimeout: 60_000 });
  await until('it is told of', () => consumer.of('consumer-crashed').length === 1);
  const key = server.prefix + stream;
  await server.client.call('XREADGROUP', 'GROUP', 'g', 'gone', 'STREAMS', key, '0');
  await until('it is told of again', () => consumer.of('consumer-crashed').length === 2);
});

it('one that runs for long keeps its entries fresh, and is not told of', async () => {
  fresh();
  let end = (): void => undefined;
  const slow = new Promise<void>((resolve) => (end = resolve));
  let runs = 0;
  const busy = await start({
    consumer: 'busy',
    concurrency: 1,
    handle: () => {
      runs++;
      return slow;
    },
  });
  await busy.publish(stream);
  await until('it runs', () => runs === 1);
  const other = await start({ consumer: 'other' });
  await longEnough();
  expect(other.of('consumer-crashed')).toEqual([]);
  expect(other.of('reclaimed')).toEqual([]);
  end();
});

it('one that lives is not told of, though it keeps entries pending and others take them over', async () => {
  fresh();
  const consumers = await Promise.all(
    ['a', 'b'].map(async (name) => {
      const consumer = new RecordingConsumer({
        redis: { url: server.url },
        keyPrefix: server.prefix,
        streams: [stream],
        consumer: name,
        blockTimeout: 5000,
        crashedAfter: 700,
        unmatched: 'leave',
        eventTypes: ['nothing that comes'],
      });
      await consumer.start();
      return consumer;
    }),
  );
  await consumers[0]!.publish(stream, 2);
  await until('they went from one to the other', () =>
    consumers.every((consumer) => consumer.of('reclaimed').length > 1),
  );
  await longEnough();
  for (const consumer of consumers) {
    expect(consumer.of('consumer-crashed')).toEqual([]);
    await consumer.close();
  }
});

it('a consumer that ended in an orderly way counts as no crash, also where it gave entries back', async () => {
  fresh();
  let runs = 0;
  const first = await start({
    consumer: 'first',
    backoff: { delay: 60_000, maxDelay: 60_000 },
    handle: () => {
      runs++;
      throw new Error('no');
    },
  });
  await first.publish(stream, 3);
  await until('all wait for a retry', () => runs === 3);
  const second = await start({ consumer: 'second' });
  await second.runtime.consumers.pause(second.runtime.consumers.find('*'));
  await first.close();
  await longEnough();
  await new StreamConsumers(second.runtime).checkLiveness(stream);
  await second.runtime.consumers.resume(second.runtime.consumers.find('*'));
  await until('they are handled', () => second.handled.length === 3);
  await longEnough();
  expect(second.of('consumer-crashed')).toEqual([]);
});
