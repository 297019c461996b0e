import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Redis } from 'ioredis';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { RedisConnectionError } from '../../lib/drivers/redis/errors/redis-connection.errors.js';
import { eventMatcher } from '../../lib/core/routing.js';
import { redisAclRules } from '../../lib/drivers/redis/acl.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { MATCHES } from '../../lib/drivers/redis/scripting/announcement.js';
import { FREE_PID, LiveWorld } from '../../lib/testing/contracts/live/live-world.js';
import { IDLE, NEVER } from '../../lib/testing/world/source-world.js';
import { elapse, quiet } from '../support/passing-time.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { secret } from '../support/secrets.js';
import { until } from '../support/until.js';

let server: RedisServer;
let admin: Redis;
let world: LiveWorld;
beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.url);
});
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});
beforeEach(() => {
  world = new LiveWorld({
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      redis({ url: server.url }).open({ events, keyPrefix }),
    elapse,
    now: () => Date.now(),
    unique: (name) => `${name}-${randomBytes(4).toString('hex')}`,
    close: async () => undefined,
  });
});
afterEach(async () => {
  await world.close();
  await admin.flushall();
});

const DAY = 86_400_000;

const consumersKey = () => `{${world.stream}}:consumers:${world.group}`;
const handedKey = () => `{${world.stream}}:handed:${world.group}`;

/** A driver whose network a test may break. */
async function behind(proxy: Proxy, commandTimeout = 300) {
  const driver = redis({ url: proxy.url, commandTimeout, connectTimeout: 1000 });
  return driver.open({ events: world.events, keyPrefix: '' });
}

/** Writes the field of a consumer that another program has announced. */
async function announced(
  name: string,
  {
    instance = 'other',
    state = 'live',
    till = NEVER,
    pid = FREE_PID,
    host = 'elsewhere',
    age = DAY,
  } = {},
): Promise<void> {
  const json = {
    process: { host, pid, application: 'app', version: '1' },
    events: ['*'],
    options: { idleTimeout: 1000, maxDeliveries: 5, ordered: false },
  };
  const now = Date.now();
  const field = `${state} ${now + till} ${now - age} ${instance} ${JSON.stringify(json)}`;
  await admin.hset(consumersKey(), name, field);
}

describe('a receiver', () => {
  /** Of the sort that waits long before it looks by itself. */
  async function patient(name = 'B', options = {}) {
    const driver = await world.open();
    const member = await world.join(name, { driver });
    const slow = { reclaimInterval: NEVER, blockTimeout: 5000, ...options };
    const reader = await world.reader(name, { ...slow, driver });
    const channel = `handed:${world.group}:${name}`;
    await until('it listens', async () => (await admin.pubsub('CHANNELS', channel)).length > 0);
    return { member, reader };
  }

  it('is told, and has the entries at once', async () => {
    const sender = await world.sender(20);
    const { member, reader } = await patient();
    const pulling = reader.subscription.pull(20);
    const began = performance.now();
    await sender.hand(member);
    const leases = await pulling;
    expect(performance.now() - began).toBeLessThan(500);
    const more = leases.length < 20 ? await reader.take(20 - leases.length) : [];
    expect([...leases, ...more]).toHaveLength(20);
  });

  it('fetches what it has room for, and the rest when there is room', async () => {
    const sender = await world.sender(100);
    const { member, reader } = await patient();
    await sender.hand(member);
    await until('some are fetched', async () => (await admin.zcard(handedKey())) < 100);
    expect(await admin.zcard(handedKey())).toBeGreaterThanOrEqual(90);
    expect(await reader.take(100)).toHaveLength(100);
    expect(await admin.exists(handedKey())).toBe(0);
  });

  it('keeps what waits fresh, so that older versions do not take it over', async () => {
    const sender = await world.sender(30);
    const member = await world.join('B');
    const reader = await world.reader('B', { idleTimeout: IDLE });
    await sender.hand(member);
    for (let step = 0; step < 12; step++) {
      await elapse(IDLE / 4);
      const pending = (await admin.xpending(
        world.stream,
        world.group,
        '-',
        '+',
        100,
      )) as unknown[][];
      expect(pending).toHaveLength(30);
      for (const [, , idle] of pending) expect(idle).toBeLessThan(IDLE);
    }
    await reader.take(30);
  });

  it('gives back all that waits when it closes, however much that is', async () => {
    const sender = await world.sender(1300);
    const { member, reader } = await patient();
    expect(await sender.handOver(member, { maxWaiting: 2000 })).toHaveLength(1300);
    await sender.reader.subscription.stop();
    await reader.subscription.close();
    expect(await admin.exists(handedKey())).toBe(0);
    const pending = (await admin.xpending(
      world.stream,
      world.group,
      '-',
      '+',
      2000,
    )) as unknown[][];
    expect(pending).toHaveLength(1300);
    for (const [, , idle, count] of pending) {
      expect(idle).toBeGreaterThanOrEqual(DAY);
      expect(count).toBe(0);
    }
  });

  it('is told as long as any of its consumers of that name and group is left', async () => {
    const sender = await world.sender(3);
    const driver = await world.open();
    const other = await world.join('B', { driver, streams: [world.harness.unique('other')] });
    const member = await world.join('B', { driver });
    expect(member.consumer).toBe('B');
    const reader = await world.reader('B', { ...{ reclaimInterval: NEVER }, driver });
    const channel = `handed:${world.group}:B`;
    await until('it listens', async () => (await admin.pubsub('CHANNELS', channel)).length > 0);
    await other.membership.leave();
    await sender.hand(member);
    expect(await reader.take(3)).toHaveLength(3);
  });

  it('that may not listen says so, and has the entries by its next look', async () => {
    const name = `deaf-${randomBytes(4).toString('hex')}`;
    const rules = [...redisAclRules(), '-subscribe'];
    await admin.call('ACL', 'SETUSER', name, 'on', `>${secret('user')}`, ...rules);
    const options = { port: server.port, username: name, password: secret('user') };
    const warnings = world.record('warning');
    const driver = redis(options).open({ events: world.events, keyPrefix: '' });
    const sender = await world.sender(3);
    const member = await world.join('B', { driver });
    const reader = await world.reader('B', { driver });
    await sender.hand(member);
    expect(await reader.take(3)).toHaveLength(3);
    expect(warnings.map(({ code }) => code)).toEqual(['NO_HAND_OVER_HINTS']);
    await reader.subscription.close();
    await member.membership.leave();
    await driver.source.close();
  });

  it('does not adopt what waits for it, nor what another of its name has', async () => {
    const sender = await world.sender(40);
    const adopted = world.record('adopted');
    const { member, reader } = await patient('B', { reclaimInterval: 50 });
    await sender.hand(member);
    // Many looks.
    await quiet(1500);
    expect(await reader.take(40)).toHaveLength(40);
    expect(adopted).toEqual([]);
  });
});

it('what waits for its receiver is left to it after an outage, too', async () => {
  const proxy = await startProxy(server.port);
  const [there, elsewhere] = [await behind(proxy, 1000), await behind(proxy, 1000)];
  const sender = await world.sender(3);
  const timeToLive = 2 * IDLE;
  const { membership, ...receiver } = await world.join('B', { driver: there, timeToLive });
  await sender.hand({ consumer: membership.consumer, instance: receiver.announcement.instance });
  await sender.reader.subscription.stop();
  const peer = await world.reader('C', { driver: elsewhere, idleTimeout: IDLE });
  proxy.stall();
  await elapse(2 * timeToLive);
  proxy.resume();
  await until('it is back', async () => {
    const outcome = await membership.refresh().catch(() => undefined);
    return outcome === 'announced';
  });
  // Also while it reads: an announcement that has run out would leave the entries to the other.
  const refreshing = setInterval(() => void membership.refresh().catch(() => undefined), 100);
  onTestFinished(() => clearInterval(refreshing));
  await peer.expectNothing(3 * IDLE);
  const reader = await world.reader('B', { driver: there });
  expect(await reader.take(3)).toHaveLength(3);
  clearInterval(refreshing);
  await Promise.all([reader.subscription.close(), peer.subscription.close()]);
  await membership.leave();
  await Promise.all([there.source.close(), elsewhere.source.close()]);
  await proxy.close();
});

describe('an announcement', () => {
  it('that is lost with all data is made anew by its owner, who is known meanwhile', async () => {
    const { membership } = await world.join('B');
    const reader = await world.reader('B', { blockTimeout: 50 });
    await admin.flushall();
    expect((await world.members()).consumers).toEqual([]);
    await until('its reader is back', async () => {
      await reader.subscription.pull(1);
      return (await world.members()).unannounced.includes('B');
    });
    expect(await membership.refresh()).toBe('announced');
    const { consumers, unannounced } = await world.members();
    expect(consumers).toMatchObject([{ consumer: 'B', alive: true, state: 'live' }]);
    expect(consumers[0]!.age).toBeLessThan(1000);
    expect(unannounced).toEqual([]);
  });

  it('is made, refreshed and changed where the server has no memory left', async () => {
    const sender = await world.sender(2);
    await admin.config('SET', 'maxmemory', '1');
    try {
      await expect(admin.set('any', 'thing')).rejects.toThrow('OOM');
      const receiver = await world.join('B');
      expect(await receiver.membership.refresh()).toBe('kept');
      await receiver.change('paused');
      await receiver.change('live');
      await sender.hand(receiver);
      const reader = await world.reader('B');
      await reader.ack(
        ...(await Promise.all((await reader.take(2)).map((one) => reader.start(one)))),
      );
      await receiver.membership.leave();
      expect(await world.member('B')).toMatchObject({ state: 'closed' });
    } finally {
      await admin.config('SET', 'maxmemory', '0');
    }
  });

  it('outlives an outage that is longer than it stands, and keeps its name', async () => {
    const proxy = await startProxy(server.port);
    const driver = await behind(proxy);
    const { membership } = await world.join('B', { driver, timeToLive: 300 });
    proxy.stall();
    await expect(membership.refresh()).rejects.toBeInstanceOf(RedisConnectionError);
    await elapse(300);
    expect(await world.member('B')).toMatchObject({ alive: false });
    proxy.resume();
    await until('it is refreshed', async () => {
      const outcome = await membership.refresh().catch(() => undefined);
      return outcome === 'announced';
    });
    expect(await world.member('B')).toMatchObject({ alive: true });
    await membership.leave();
    await driver.source.close();
    await proxy.close();
  });

  it('that could not say that it reads again says so once it can', async () => {
    const proxy = await startProxy(server.port);
    const driver = await behind(proxy);
    const { membership } = await world.join('B', { driver });
    const { stream, events, options } = (await world.member('B'))!;
    const change = (state: 'live' | 'paused') =>
      membership.change([{ stream, events, options }], state);
    await change('paused');
    expect(await world.member('B')).toMatchObject({ state: 'paused' });
    proxy.stall();
    await expect(change('live')).rejects.toBeInstanceOf(RedisConnectionError);
    proxy.resume();
    await until('it is refreshed', () =>
      membership.refresh().then(
        () => true,
        () => false,
      ),
    );
    expect(await world.member('B')).toMatchObject({ state: 'live' });
    await membership.leave();
    await driver.source.close();
    await proxy.close();
  });

  it('that was taken over during an outage is lost', async () => {
    const proxy = await startProxy(server.port);
    const driver = await behind(proxy);
    const { membership } = await world.join('B', { driver, timeToLive: 200 });
    proxy.stall();
    await elapse(250);
    expect((await world.join('B')).consumer).toBe('B');
    proxy.resume();
    await until('it is told', async () => {
      const outcome = await membership.refresh().catch(() => undefined);
      return outcome === 'taken';
    });
    await membership.leave();
    expect(await world.member('B')).toMatchObject({ state: 'live' });
    await driver.source.close();
    await proxy.close();
  });

  it('of a process that had our pid and is gone gives its name to us', async () => {
    await announced('B', { host: hostname(), pid: process.pid });
    expect((await world.join('B')).consumer).toBe('B');
  });

  it('of a process of our host that has ended gives its name to us', async () => {
    await announced('B', { host: hostname() });
    expect((await world.join('B')).consumer).toBe('B');
  });

  it('made after this process began is none of a predecessor, also with its pid', async () => {
    await announced('B', { host: hostname(), pid: process.pid, age: 0 });
    await announced('C', { host: hostname(), age: 0 });
    expect((await world.join('B')).consumer).toBe('B~2');
    expect((await world.join('C')).consumer).toBe('C~2');
  });

  it('of a name that is taken on one stream ends on the others', async () => {
    const streams = [world.stream, world.harness.unique('other')];
    const { membership } = await world.join('B', { streams, timeToLive: NEVER });
    await announced('B');
    expect(await membership.refresh()).toBe('taken');
    expect(await world.member('B', streams[1])).toMatchObject({ state: 'closed' });
    expect(await world.member('B', streams[0])).toMatchObject({ instance: 'other', state: 'live' });
  });

  it('of a process elsewhere that has our pid keeps its name', async () => {
    await announced('B', { pid: process.pid });
    expect((await world.join('B')).consumer).toBe('B~2');
  });

  it('of a dead or closed consumer is forgotten after a day', async () => {
    await announced('dead', { till: -DAY - 1000 });
    await announced('closed', { till: -DAY - 1000, state: 'closed' });
    await announced('yesterday', { till: 60_000 - DAY });
    await world.join('B');
    expect(await world.names()).toEqual(['B', 'yesterday']);
    expect(await admin.pttl(consumersKey())).toBeGreaterThan(DAY);
  });

  it('that another version has written otherwise is left alone', async () => {
    await admin.hset(consumersKey(), 'newer', '{"v":2}');
    await admin.hset(consumersKey(), 'broken', 'live 99999999999999 1 i {');
    const { membership } = await world.join('B');
    await membership.refresh();
    expect(await world.names()).toEqual(['B']);
    expect((await admin.hkeys(consumersKey())).sort()).toEqual(['B', 'broken', 'newer']);
  });
});

it('of many streams one that cannot be read does not hide the others', async () => {
  await world.join('B');
  await admin.set(`{other}:consumers:${world.group}`, 'a text');
  const { live } = await world.driver();
  const reads = ['none', 'other', world.stream].map((stream) => live!.members(stream, world.group));
  const found = await Promise.allSettled(reads);
  expect(found.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(found[2]).toMatchObject({ value: { consumers: [{ consumer: 'B' }] } });
});

it('patterns match in the server as they do in the process', async () => {
  const pick = (from: string, most: number) =>
    Array.from({ length: Math.floor(Math.random() * (most + 1)) }, () =>
      from.charAt(Math.floor(Math.random() * from.length)),
    ).join('');
  const pairs = Array.from({ length: 20_000 }, () => [pick('a.**%ü', 5), pick('a.%ü', 6)]);
  const lua = `${MATCHES}
local out = {}
for i = 1, #ARGV, 2 do out[#out + 1] = matches(ARGV[i], ARGV[i + 1]) and 1 or 0 end
return out`;
  let matched = 0;
  for (let at = 0; at < pairs.length; at += 1000) {
    const some = pairs.slice(at, at + 1000) as [string, string][];
    const found = (await admin.eval(lua, 0, ...some.flat())) as number[];
    for (const [index, [pattern, text]] of some.entries()) {
      const matches = eventMatcher(pattern)(text);
      matched += Number(matches);
      expect(found[index], JSON.stringify([pattern, text])).toBe(Number(matches));
    }
  }
  expect(matched).toBeGreaterThan(1000);
});
