import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { HeldStream } from '../../lib/core/held-stream.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { ack } from '../../lib/core/settlement.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { announce, Balanced } from '../support/balancing.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

const INPUT = 'svc-input';
const GROUP = 'svc-group';

let server: RedisServer;
let client: Redis;
let place: { url: string };
beforeAll(async () => {
  server = await startRedis();
  client = new Redis(server.url);
  place = { url: server.url };
});
afterAll(async () => {
  client.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await client.flushall();
  await client.config('SET', 'notify-keyspace-events', '');
});

const start = (consumerId: string, options: object = {}) =>
  Balanced.start({ redis: place, consumerId, scanInterval: 300, ...options });
const lockOf = (stream: string, id: string) => `${stream}<MUTEX_KEY_SEP>${id}`;

describe('what is written', () => {
  it('an input, its lock and its consumer, as redis-stream-client-go has them', async () => {
    const a = await start('redis-consumer-a');
    const id = await a.balancer.add('user-1', { user_id: 'u1' });
    expect(await client.xrange(INPUT, '-', '+')).toEqual([
      [id, ['lbs-input', '{"DataStreamName":"user-1","Info":{"user_id":"u1"}}']],
    ]);
    const began = Date.now();
    await a.hears('StreamAdded user-1');
    expect(Date.now() - began).toBeLessThan(1000);
    expect(a.failures).toEqual([]);
    expect(await client.get(lockOf('user-1', id))).toBe('redis-consumer-a');
    expect(await client.pttl(lockOf('user-1', id))).toBeLessThanOrEqual(2000);
    expect(await client.xpending(INPUT, GROUP)).toEqual([1, id, id, [['redis-consumer-a', '1']]]);
  });

  it('and it stays pending while the stream is owned, also where it was trimmed away', async () => {
    const a = await start('a');
    const id = await a.balancer.add('user-1');
    await a.hears('StreamAdded user-1');
    await client.xdel(INPUT, id);
    // So old a heartbeat would have made it young, if there were still something to claim.
    await until('some heartbeats have passed', async () => {
      const [row] = (await client.xpending(INPUT, GROUP, '-', '+', 1)) as [
        string,
        string,
        number,
      ][];
      return row !== undefined && row[2] > 1700;
    });
    expect(await client.get(lockOf('user-1', id))).toBe('a');
    expect(a.owned).toEqual(['user-1']);
  });

  it('and it is gone when the stream is done, however often that is said', async () => {
    const a = await start('a');
    const id = await a.balancer.add('user-1');
    await a.hears('StreamAdded user-1');
    await a.balancer.complete('user-1');
    await a.balancer.complete('user-1');
    expect(await client.exists(lockOf('user-1', id))).toBe(0);
    expect(await client.xlen(INPUT)).toBe(0);
    expect((await client.xpending(INPUT, GROUP))[0]).toBe(0);
    expect(a.owned).toEqual([]);
    await expect(a.balancer.complete('never-owned')).rejects.toMatchObject({
      code: 'STREAM_NOT_OWNED',
    });
  });
});

it('tells what the producer wrote, with keys in any case', async () => {
  const a = await start('a');
  await client.xadd(INPUT, '*', 'lbs-input', '{"datastreamname":"x","INFO":{"n":1}}', '_more', '1');
  await a.hears('StreamAdded x');
  expect(a.last('StreamAdded')).toMatchObject({ info: { n: 1 }, token: expect.any(Number) });
});

it.each([
  ['no JSON', ['lbs-input', 'nonsense']],
  ['no name', ['lbs-input', '{"Info":{}}']],
  ['an info that is no object', ['lbs-input', '{"DataStreamName":"x","Info":7}']],
  ['another field', ['other', 'x']],
])('an entry with %s goes to the dead letters, and the next one is read', async (_what, fields) => {
  const a = await start('a');
  await client.xadd(INPUT, '*', ...fields);
  await announce(client, 'good');
  await a.hears('StreamAdded good');
  await until('it is moved', async () => (await client.xlen(INPUT)) === 1);
  const [[, letter]] = (await client.xrange('svc-input-dlq', '-', '+')) as [[string, string[]]];
  expect(letter).toEqual([...fields, '_dlq_reason', 'unparseable']);
  expect((await client.xpending(INPUT, GROUP))[0]).toBe(1);
});

it('what is remembered of an ownership expires, but not while it lasts', async () => {
  const a = await start('a');
  await a.balancer.add('x');
  await a.hears('StreamAdded x');
  const keys = ['{x}:fence', '{x}:assignment'];
  const left = () => Promise.all(keys.map((key) => client.pttl(key)));
  expect((await left()).every((ms) => ms > 0)).toBe(true);
  for (const key of keys) await client.pexpire(key, 60_000);
  const now = performance.now.bind(performance);
  const later = vi.spyOn(performance, 'now').mockImplementation(() => now() + 2 * 3_600_000);
  onTestFinished(() => later.mockRestore());
  await until('both are kept for longer', async () => (await left()).every((ms) => ms > 60_000));
  expect(a.owned).toEqual(['x']);
});

describe('an owner that died', () => {
  it.each(['configure', 'off'] as const)(
    'is followed by another, with notifications: %s',
    async (notifications) => {
      const a = await start('a', { notifications });
      await a.balancer.add('user-1');
      await a.hears('StreamAdded user-1');
      const { token } = a.last('StreamAdded');
      const b = (await start('b', { notifications })).claims();
      await a.die();
      const began = Date.now();
      await b.hears('StreamAdded user-1');
      expect(Date.now() - began).toBeLessThan(4000);
      expect(b.last('StreamAdded').token).toBeGreaterThan(token);
    },
  );

  it('is told of where the application claims', async () => {
    const a = await start('a');
    await a.balancer.add('user-1', { n: 1 });
    await a.hears('StreamAdded user-1');
    const [b, c] = [await start('b'), await start('c')];
    await a.die();
    await b.hears('StreamExpired user-1');
    await c.hears('StreamExpired user-1');
    const { payload, info } = b.last('StreamExpired');
    expect(info).toEqual({ n: 1 });
    expect(await b.balancer.claim(payload)).toMatchObject({ stream: 'user-1' });
    await expect(c.balancer.claim(payload)).rejects.toMatchObject({
      code: 'CLAIM_FAILED',
      why: 'held',
    });
    await b.balancer.complete('user-1');
    await expect(c.balancer.claim(payload)).rejects.toMatchObject({ why: 'gone' });
  });
});

it('a stream of a healthy owner is left to him, however old it is', async () => {
  const a = await start('a');
  const id = await a.balancer.add('user-1');
  await a.hears('StreamAdded user-1');
  await client.xclaim(INPUT, GROUP, 'a', 0, id, 'IDLE', 86_000_000, 'JUSTID');
  const b = (await start('b')).claims();
  const looks = async () => /cmdstat_mget:calls=(\d+)/.exec(await client.info('commandstats'))?.[1];
  const before = Number((await looks()) ?? 0);
  await until('it has looked five times', async () => Number(await looks()) > before + 5);
  expect(b.owned).toEqual([]);
  expect(a.owned).toEqual(['user-1']);
});

it('a consumer that has lost a stream is told, and can no longer complete it', async () => {
  const a = await start('a');
  const id = await a.balancer.add('user-1');
  await a.hears('StreamAdded user-1');
  const [owned] = a.balancer.streams();
  await client.set(lockOf('user-1', id), 'somebody-else', 'PX', 60_000);
  await a.hears('StreamDisowned user-1');
  expect(owned!.signal.aborted).toBe(true);
  expect(owned!.signal.reason).toMatchObject({ code: 'STREAM_DISOWNED' });
  await expect(a.balancer.complete('user-1')).rejects.toMatchObject({ code: 'STREAM_NOT_OWNED' });
  expect((await client.xpending(INPUT, GROUP))[0]).toBe(1);
});

it('a consumer whose input was acknowledged by another program is told, and works on the stream no more', async () => {
  const a = await start('a');
  const id = await a.balancer.add('user-1');
  await a.hears('StreamAdded user-1');
  const [owned] = a.balancer.streams();
  const [[, fields]] = (await client.xrange(INPUT, id, id)) as [[string, string[]]];
  // As a newer Go peer does that had looked for the lock before it was taken; nothing has expired.
  await client.xack(INPUT, GROUP, id);
  await client.xdel(INPUT, id);
  await a.hears('StreamDisowned user-1');
  expect(owned!.signal.aborted).toBe(true);
  await expect(a.balancer.complete('user-1')).rejects.toMatchObject({ code: 'STREAM_NOT_OWNED' });
  await client.xadd(INPUT, '*', ...fields);
  await until('it is owned anew', () => a.owned.length === 1, 5000);
});

it('release gives all streams back, unfinished, to the other consumers', async () => {
  const a = await start('a');
  for (const name of ['one', 'two']) await a.balancer.add(name);
  await a.hears('StreamAdded two');
  const b = (await start('b')).claims();
  await a.balancer.end(false, 'bye');
  const began = Date.now();
  await until('b has both', () => b.owned.length === 2);
  expect(Date.now() - began).toBeLessThan(1500);
  expect(a.said.at(-1)).toBe('StreamTerminated');
  expect(a.last('StreamTerminated').reason).toBe('bye');
});

it('a stream that is finished with a message is completed in the same step as that', async () => {
  const driver = redis(place).open({ events: new EventBus(), keyPrefix: '' });
  onTestFinished(() => driver.source.close());
  const b = await start('b');
  await announce(client, 'x');
  await b.hears('StreamAdded x');
  const [held] = b.balancer.streams();
  // As the runtime does: otherwise the next heartbeat finds the stream lost.
  const onFinished = vi.fn<(held: HeldStream, completed: boolean) => void>((...finished) => {
    void b.balancer.finished(...finished);
  });
  const subscription = b.balancer.subscribe({
    group: 'g',
    startId: '0',
    blockTimeout: 30_000,
    runsWithin: 1000,
    onFinished,
  });
  subscription.add(held!);
  await client.xadd('x', '*', 'n', '1');
  const [lease] = await subscription.pull(1);
  lease!.finishing = true;
  const settling = { lease: lease!, settlement: ack };
  expect(await driver.source.settle([settling])).toEqual(['settled']);
  // As after a reply that was lost.
  expect(await driver.source.settle([settling])).toEqual(['settled']);
  expect(onFinished.mock.calls).toEqual([
    [held, true],
    [held, true],
  ]);
  // If a consumer dies now, no other is left with a stream in which nothing more comes.
  expect(await client.xlen(INPUT)).toBe(0);
  expect((await client.xpending('x', 'g'))[0]).toBe(0);
  expect(await client.keys('*MUTEX_KEY_SEP*')).toEqual([]);
  await b.balancer.complete('x');
  expect(b.owned).toEqual([]);
  await subscription.close();
});

it('done completes all streams', async () => {
  const a = await start('a');
  for (const name of ['one', 'two']) await a.balancer.add(name);
  await a.hears('StreamAdded two');
  await a.balancer.end(true, 'done');
  expect(await client.xlen(INPUT)).toBe(0);
  expect(await client.keys('*MUTEX_KEY_SEP*')).toEqual([]);
});

it('what was handed out to a consumer of this name before is taken up again', async () => {
  const a = await start('a');
  await a.balancer.add('user-1');
  await a.hears('StreamAdded user-1');
  await a.die();
  const again = await start('a');
  await again.hears('StreamAdded user-1');
});

it('streams that were announced before the first consumer came are not skipped', async () => {
  await announce(client, 'early');
  const a = await start('a');
  await a.hears('StreamAdded early');
});

it('one name announced twice has one owner, and its turn again afterwards', async () => {
  const a = (await start('a')).claims();
  const b = (await start('b')).claims();
  await announce(client, 'same');
  await announce(client, 'same');
  await until('it is owned', () => a.owned.length + b.owned.length === 1);
  await until('both are handed out', async () => (await client.xpending(INPUT, GROUP))[0] === 2);
  const [first] = a.owned.length > 0 ? [a] : [b];
  await first.balancer.complete('same');
  await until('the second one is owned', () => a.owned.length + b.owned.length === 1);
  expect(await client.xlen(INPUT)).toBe(1);
});

it('no more than maxStreams are owned, and the rest waits', async () => {
  const a = (await start('a', { maxStreams: 2 })).claims();
  for (const name of ['one', 'two', 'three']) await announce(client, name);
  await until('two are owned', () => a.owned.length === 2);
  const b = (await start('b')).claims();
  await until('the third one is taken', () => b.owned.length === 1);
});

it('streams are handed over when a consumer joins', async () => {
  const a = (await start('a')).claims();
  for (let index = 0; index < 12; index++) await announce(client, `s${index}`);
  await until('a has all', () => a.owned.length === 12);
  const b = (await start('b')).claims();
  await until('they share', () => a.owned.length === 6 && b.owned.length === 6);
  expect(a.last('StreamDisowned').reason).toBe('handed-over');
  const c = (await start('c')).claims();
  await until('all three share', () => [a, b, c].every(({ owned }) => owned.length === 4));
});

it('no more streams are handed over than the newcomer should have, and to no other consumer', async () => {
  const a = (await start('a')).claims();
  for (let index = 0; index < 40; index++) await announce(client, `s${index}`);
  await until('a has all', () => a.owned.length === 40);
  // A consumer that is told of an expired lock might take the stream.
  const expired: string[] = [];
  const hints = client.duplicate();
  onTestFinished(() => hints.disconnect());
  hints.on('pmessage', (_pattern, channel: string) => expired.push(channel));
  await hints.psubscribe('__keyspace@0__:*MUTEX_KEY_SEP*');
  const b = (await start('b')).claims();
  const spread = () => [a.owned.length, b.owned.length];
  await until('they share', () => Math.abs(a.owned.length - 20) <= 1, 8000, spread);
  await until('b has what a has not', () => a.owned.length + b.owned.length === 40, 8000, spread);
  const handedOver = [a, b].flatMap(({ said }) =>
    said.filter((one) => one.startsWith('StreamDis')),
  );
  expect(handedOver.length).toBeLessThanOrEqual(20);
  expect(expired).toEqual([]);
  const ids = (await client.xpending(INPUT, GROUP)) as [number, string, string, [string, string][]];
  expect(Object.fromEntries(ids[3])).toEqual({ a: String(spread()[0]), b: String(spread()[1]) });
});

it('what was handed over to a consumer that dies before it has heard of it goes to the others', async () => {
  const a = (await start('a')).claims();
  for (let index = 0; index < 6; index++) await announce(client, `s${index}`);
  await until('a has all', () => a.owned.length === 6);
  // It is there, owns nothing, and never asks what it was given.
  const ghost = async () => {
    const [seconds] = await client.time();
    await client.hset('{svc-input}:members', 'ghost', `${seconds}000 0 1000 accepts`);
  };
  await until('something is handed over', async () => {
    await ghost();
    return a.owned.length < 6;
  });
  await client.hdel('{svc-input}:members', 'ghost');
  await until('a has all again', () => a.owned.length === 6, 10_000);
});

describe('notify-keyspace-events', () => {
  it.each([
    ['', 'KEx'],
    ['Kg', 'KEgx'],
    ['KEA', 'KEA'],
  ])('%s is completed to %s', async (before, after) => {
    await client.config('SET', 'notify-keyspace-events', before);
    const a = await start('a');
    const set = async () =>
      ((await client.config('GET', 'notify-keyspace-events')) as string[])[1]!;
    await until('it is set', async () => sorted(await set()) === sorted(after), 5000, set);
    expect(a.warnings).toEqual([]);
  });

  it('is let be where that was asked for', async () => {
    const a = await start('a', { notifications: 'listen' });
    await a.balancer.add('x');
    await a.hears('StreamAdded x');
    expect(await client.config('GET', 'notify-keyspace-events')).toEqual([
      'notify-keyspace-events',
      '',
    ]);
  });

  it('may be forbidden', async () => {
    await client.call(
      'ACL',
      'SETUSER',
      'modest',
      'on',
      '>pw',
      'allkeys',
      'allchannels',
      '+@all',
      '-config',
    );
    const redis = { url: server.url.replace('redis://', 'redis://modest:pw@') };
    const b = (await start('b', { redis })).claims();
    await until('it says so', () => b.warnings.length > 0);
    expect(b.warnings[0]).toMatchObject({ code: 'NO_EXPIRY_HINTS' });
    const a = await start('a', { redis });
    await a.balancer.add('x');
    await until('x is owned', () => [...a.owned, ...b.owned].length === 1);
    await b.balancer.end(false, 'bye');
    await until('a has it, or hears of it', () => a.said.some((said) => said.endsWith(' x')));
  });
});

const sorted = (flags: string): string => flags.split('').sort().join('');

it('that hints cannot be configured is not said where the operator has set them up', async () => {
  await client.config('SET', 'notify-keyspace-events', 'KEx');
  const rules = ['on', '>pw', 'allkeys', 'allchannels', '+@all', '-config'];
  await client.call('ACL', 'SETUSER', 'modest', ...rules);
  const redis = { url: server.url.replace('redis://', 'redis://modest:pw@') };
  const b = (await start('b', { redis, scanInterval: 60_000 })).claims();
  const a = await start('a', { redis });
  await a.balancer.add('x');
  await until('x is owned', () => [...a.owned, ...b.owned].length === 1);
  const asked = async () => (await client.info('commandstats')).includes('cmdstat_unsubscribe');
  await until('it knows', asked);
  expect([...a.warnings, ...b.warnings]).toEqual([]);
});

describe('reading that fails', () => {
  it('ends after as many tries as were allowed, and says why', async () => {
    const a = await start('a', { retry: { maxRetries: 2, initialDelay: 10 } });
    await a.balancer.add('x');
    await a.hears('StreamAdded x');
    await client.rename(INPUT, 'away');
    await client.set(INPUT, 'no stream');
    await a.hears('StreamTerminated');
    expect(a.last('StreamTerminated').reason).toMatch(/^reading failed too often/);
    expect(a.failures.filter(({ worker }) => worker.startsWith('load'))).not.toEqual([]);
    expect(a.owned).toEqual([]);
  });

  it('goes on without end where that was asked for, and when it works again', async () => {
    const a = await start('a', { retry: { maxRetries: -1, initialDelay: 10, maxDelay: 50 } });
    await client.rename(INPUT, 'away');
    await client.set(INPUT, 'no stream');
    await until('it has failed often', () => a.failures.length > 8);
    await client.rename('away', INPUT);
    await announce(client, 'x');
    await a.hears('StreamAdded x');
  });

  it('survives a flush', async () => {
    const a = await start('a');
    await a.balancer.add('x');
    await a.hears('StreamAdded x');
    await client.flushall();
    await a.hears('StreamDisowned x');
    await announce(client, 'y');
    await a.hears('StreamAdded y');
  });
});
