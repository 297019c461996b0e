import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NotReplicatedError } from '../../lib/core/errors/publishing.errors.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { redisAclRules, redisCommands } from '../../lib/drivers/redis/acl.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import type { RedisOptions } from '../../lib/drivers/redis/connection/redis.options.js';
import { reclaim } from '../../lib/drivers/redis/reading/reclaim.script.js';
import type { DriverHarness } from '../../lib/testing/world/driver-harness.js';
import { describeDriverContract } from '../contracts/driver.contract.js';
import { elapse } from '../support/passing-time.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { secret } from '../support/secrets.js';

/** All that the suites do, they do as a user with the least rights that are documented. */
const user = { username: `least-${randomBytes(4).toString('hex')}`, password: secret('user') };

let server: TestRedis;
let place: RedisOptions;
beforeAll(async () => {
  server = await testRedis();
  const { protocol, hostname, port, pathname } = new URL(server.url);
  const rules = redisAclRules({ keyPrefix: server.prefix });
  await server.client.call('ACL', 'SETUSER', user.username, 'on', `>${user.password}`, ...rules);
  const tls = protocol === 'rediss:' ? { tls: {} } : {};
  place = { host: hostname, port: Number(port || 6379), db: Number(pathname.slice(1)), ...tls };
  place = { ...place, ...user };
  if (!server.ours) return;
  // Another database than the default, so that it has to be selected.
  await server.client.select(1);
  place = { ...place, db: 1 };
  await server.client.config('RESETSTAT');
});
afterAll(async () => {
  await server.client.call('ACL', 'DELUSER', user.username);
  await server.cleanup();
});

const unique = (name: string): string => `${name}-${randomBytes(4).toString('hex')}`;

async function harness(): Promise<DriverHarness> {
  return {
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      redis(place).open({ events, keyPrefix: server.prefix + keyPrefix }),
    elapse,
    now: () => Date.now(),
    unique,
    trim: async (stream, id) => {
      await server.client.xdel(server.prefix + stream, id);
    },
    close: async () => undefined,
  };
}

describeDriverContract('redis', harness, () => ({
  source: redis(place),
  keyPrefix: server.prefix,
  unique,
}));

test('redis: a message that too few replicas have confirmed is stored, and says so', async () => {
  const quick = { ...place, commandTimeout: 800 };
  const driver = redis(quick).open({ events: new EventBus(), keyPrefix: server.prefix });
  const stream = unique('replicated');
  const fields = ['event_type', 'made', 'payload', '1'];
  const published = await driver.source.publish([
    { stream, fields, waitReplicas: 1 },
    { stream, fields },
    { stream, fields, waitReplicas: 1, idempotency: { key: 'one', window: 1000 } },
  ]);
  const [first, second, third] = published as [NotReplicatedError, string, NotReplicatedError];
  for (const error of [first, third]) {
    expect(error).toBeInstanceOf(NotReplicatedError);
    expect(error).toMatchObject({ code: 'NOT_REPLICATED', stream, wanted: 1, replicas: 0 });
  }
  const stored = (await server.client.xrange(server.prefix + stream, '-', '+')).map(([id]) => id);
  expect(stored.sort()).toEqual([first.id, second, third.id].sort());
  await driver.source.close();
});

/** What takes over a minute otherwise. */
async function removeAnAbsentConsumer(): Promise<void> {
  const driver = await (await harness()).open();
  const [key, group] = [server.prefix + unique('stream'), 'g'];
  await server.client.xgroup('CREATE', key, group, '0', 'MKSTREAM');
  await server.client.xgroup('CREATECONSUMER', key, group, 'absent');
  await driver.state!.exists('anything');
  const times = { idleTimeout: 1, absentAfter: -1, crashedAfter: 1, capacity: 0 };
  const streams = [{ key, floor: key, redrive: key, consumers: `${key}:c`, handed: `${key}:h` }];
  const look = { group, consumer: 'present', streams, ...times };
  const [looked] = (await reclaim(driver.unwrap!() as Redis, look))!;
  expect(looked!.removed).toEqual(['absent']);
  await driver.source.close();
}

test('redis: the suites have used every right of the user, and lacked none', async (context) => {
  context.skip(!server.ours, 'REDIS_URL: other users of that server are counted, too');
  await removeAnAbsentConsumer();
  const stats = await server.client.info('commandstats');
  const used = new Set<string>();
  for (const [, command] of stats.matchAll(/^cmdstat_(\S+?):calls=[1-9]/gm)) used.add(command!);
  // A user may always log in, and the rest is what this test itself does.
  for (const ours of ['hello', 'config|resetstat', 'acl|setuser', 'xgroup|createconsumer'])
    used.delete(ours);
  expect([...used].sort()).toEqual([...redisCommands()].sort());
  expect(await server.client.call('ACL', 'LOG')).toEqual([]);
});
