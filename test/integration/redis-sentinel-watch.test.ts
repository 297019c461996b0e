import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { SentinelWatch } from '../../lib/drivers/redis/connection/sentinel-watch.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

async function started(options: Parameters<typeof startRedis>[0]): Promise<RedisServer> {
  const server = await startRedis(options);
  onTestFinished(() => server.stop());
  return server;
}

it('a sentinel that knows no master of the name is left for one that does', async () => {
  const [old, young] = [await started({}), await started({})];
  const sentinel = { args: ['--sentinel'], config: '' };
  const [ignorant, knowing] = [await started(sentinel), await started(sentinel)];
  const admin = new Redis(knowing.port);
  onTestFinished(() => admin.disconnect());
  const sentinels = [ignorant, knowing].map(({ port }) => ({ host: '127.0.0.1', port }));
  await admin.call('SENTINEL', 'MONITOR', 'm', '127.0.0.1', old.port, 1);
  let moved = false;
  const watch = new SentinelWatch({ sentinels, name: 'm' }, sentinels, () => (moved = true));
  onTestFinished(() => watch.close());
  watch.start();
  await until('the one that knows is asked', () => watch.addresses[0]!.port === knowing.port);
  const asked = async () => String(await admin.client('LIST')).includes('get-master-addr');
  await until('it has answered', asked);
  await admin.call('SENTINEL', 'REMOVE', 'm');
  await admin.call('SENTINEL', 'MONITOR', 'm', '127.0.0.1', young.port, 1);
  await until('the move is noticed', () => moved);
  expect(watch.addresses).toHaveLength(2);
});
