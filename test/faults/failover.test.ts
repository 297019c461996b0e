import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { startProxy } from '../support/proxy.js';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { startRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';

const REPLICATING = { args: ['--repl-diskless-sync-delay', '0'] };

it('a server that becomes a replica is left for the one that took its place', async () => {
  const [first, second] = [await startRedis(REPLICATING), await startRedis(REPLICATING)];
  const [old, young] = [new Redis(first.url), new Redis(second.url)];
  const proxy = await startProxy(first.port);
  await young.replicaof('127.0.0.1', first.port);
  await until('it replicates', async () =>
    (await young.info('replication')).includes('link_status:up'),
  );
  const consumer = await RecordingConsumer.start({ redis: { url: proxy.url }, streams: ['s'] });
  const before = await consumer.publish('s', 5);
  await until('they are handled', () => consumer.handled.length === 5);
  await until(
    'and settled, there too',
    // Before the group is replicated it is an error to ask for it.
    () =>
      young.xpending('s', 'g').then(
        (summary) => (summary as [number])[0] === 0,
        () => false,
      ),
  );

  // The connections stand: the old server only answers that it takes no writes any more.
  proxy.point(second.port);
  await young.replicaof('NO', 'ONE');
  await old.replicaof('127.0.0.1', second.port);
  const refused: unknown[] = [];
  const after: string[] = [];
  await until('publishing works', async () => {
    await consumer.publish('s').then(
      ([id]) => after.push(id!),
      (error: unknown) => refused.push(error),
    );
    return after.length === 5;
  });
  await until('they are handled', () => consumer.handled.length === 10);
  await until('and settled', async () => ((await young.xpending('s', 'g')) as [number])[0] === 0);
  expect(consumer.ids('s')).toEqual([...before, ...after]);
  expect(refused.length).toBeLessThan(5);

  await consumer.close();
  old.disconnect();
  young.disconnect();
  await proxy.close();
  await Promise.all([first.stop(), second.stop()]);
});
