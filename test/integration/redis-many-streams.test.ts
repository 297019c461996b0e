import { afterAll, beforeAll, expect, it } from 'vitest';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const STREAMS = Array.from({ length: 500 }, (_, at) => `s${at}`);
const BACKLOG = 20_000;

let server: TestRedis;
beforeAll(async () => {
  server = await testRedis();
});
afterAll(() => server.cleanup());

async function reads(): Promise<number> {
  const stats = await server.client.info('commandstats');
  return Number(/cmdstat_xreadgroup:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

it('one busy stream among 500 idle ones is read many entries at a time, and others have their turn', async () => {
  const [busy, quiet] = [STREAMS[17]!, STREAMS[444]!];
  const consumer = await RecordingConsumer.start({
    redis: { url: server.url },
    keyPrefix: server.prefix,
    streams: STREAMS,
    // A round of looks at the others takes half as long at most.
    blockTimeout: 100,
    idleTimeout: 60_000,
    reclaimInterval: 60_000,
    handle: () => new Promise((resolve) => setImmediate(resolve)),
  });
  await consumer.publish(STREAMS[3]!);
  await until('all are looked at', () => consumer.handled.length === 1);
  const before = await reads();
  await consumer.publish(busy, BACKLOG);
  await consumer.publish(quiet);
  await until('all are handled', () => consumer.handled.length === BACKLOG + 2);
  if (server.ours) expect((await reads()) - before).toBeLessThan(BACKLOG / 10);
  const place = consumer.handled.findIndex(({ stream }) => stream === quiet);
  // Before the busy one was done, which takes many rounds.
  expect(place).toBeLessThan(BACKLOG);
  await consumer.close();
});
