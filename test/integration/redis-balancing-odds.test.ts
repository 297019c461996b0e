import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { ack } from '../../lib/core/settlement.js';
import { IdleWatch } from '../../lib/drivers/redis/ownership/reading/idle-watch.js';
import type { OwnedReading } from '../../lib/drivers/redis/ownership/reading/owned-reading.js';
import { RedrivenLook } from '../../lib/drivers/redis/ownership/reading/redriven-look.js';
import { Connector } from '../../lib/drivers/redis/connection/connector.js';
import { openCommands } from '../../lib/drivers/redis/cluster/open-commands.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import type { RedisLease } from '../../lib/drivers/redis/held-entries/redis.lease.js';
import { announce, Balanced } from '../support/balancing.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { elapse, pace } from '../support/passing-time.js';
import { until } from '../support/until.js';

const INPUT = 'svc-input';
const GROUP = 'svc-group';
const MEMBERS = '{svc-input}:members';

let server: RedisServer;
let client: Redis;
beforeAll(async () => {
  server = await startRedis();
  client = new Redis(server.url);
});
afterAll(async () => {
  client.disconnect();
  await server.stop();
});
beforeEach(() => client.flushall());

const options = (consumerId: string, more: object = {}) => ({
  redis: { url: server.url },
  consumerId,
  scanInterval: 300,
  ...more,
});
const start = (consumerId: string, more: object = {}) => Balanced.start(options(consumerId, more));

/** Streams that a consumer has read and given back, in one step, so that no other reads them before. */
async function givenBack(names: readonly string[], owner: string): Promise<void> {
  await client.xgroup('CREATE', INPUT, GROUP, '0', 'MKSTREAM').catch(() => undefined);
  const script = `
    for i = 3, #ARGV do
      redis.call('XADD', KEYS[1], '*', 'lbs-input', ARGV[i])
      local found = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'STREAMS', KEYS[1], '>')
      local id = found[1][2][1][1]
      redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, id, 'IDLE', 86400000, 'JUSTID')
    end`;
  const inputs = names.map((name) => JSON.stringify({ DataStreamName: name, Info: {} }));
  await client.eval(script, 1, INPUT, GROUP, owner, ...inputs);
}

/** The subscription of a consumer that owns the stream `x` and begins to read it. */
async function readsX(owner: Awaited<ReturnType<typeof start>>) {
  await announce(client, 'x');
  await owner.hears('StreamAdded x');
  const onFinished = (): undefined => undefined;
  const reading = { group: 'g', startId: '0', blockTimeout: 30_000, runsWithin: 1000, onFinished };
  const subscription = owner.balancer.subscribe(reading);
  onTestFinished(() => subscription.close());
  subscription.add(owner.balancer.streams()[0]!);
  return subscription;
}

const named = (count: number): string[] => Array.from({ length: count }, (_, n) => `s${n}`);

describe('a start that fails', () => {
  const connections = async (): Promise<number> =>
    ((await client.client('LIST')) as string).trim().split('\n').length;

  it('leaves nothing behind, and may be tried again', async () => {
    await client.set(MEMBERS, 'no hash');
    const a = new Balanced(options('a'));
    for (let tries = 0; tries < 4; tries++) {
      await expect(a.balancer.start()).rejects.toMatchObject({ code: 'WRONG_KEY_TYPE' });
    }
    await client.del(MEMBERS);
    await a.balancer.start();
    await a.balancer.add('x');
    await a.hears('StreamAdded x');
    const before = await connections();
    await start('b');
    // Of one consumer: for commands, for inputs, for hints.
    expect(before).toBe(1 + 3);
    await until('b has as many', async () => (await connections()) === before + 3);
  });

  it('is told of once, however often init was called, and init may be called again', async () => {
    await client.set(MEMBERS, 'no hash');
    const a = new Balanced(options('a'));
    const said: string[] = [];
    for (const log of [a.balancer.init(), a.balancer.init()])
      log.listen(({ type }) => said.push(type));
    await a.hears('StreamTerminated');
    await until('both have heard', () => said.length === 2);
    await client.del(MEMBERS);
    const log = a.balancer.init();
    await a.balancer.add('x');
    await a.hears('StreamAdded x');
    expect(a.said).toEqual(['StreamTerminated', 'StreamAdded x']);
    expect(log.waiting).toBe(1);
  });
});

describe('a stream whose owner died before its lock was looked at', () => {
  /** A program of another kind reads what is announced and locks it, as the Go client does. */
  async function ownedByAStranger(stream: string): Promise<string> {
    const id = await announce(client, stream);
    await client.xreadgroup('GROUP', GROUP, 'stranger', 'COUNT', 1, 'STREAMS', INPUT, '>');
    await client.set(`${stream}<MUTEX_KEY_SEP>${id}`, 'stranger', 'PX', 2000);
    return id!;
  }
  /** One look at the start, and none within the time of the test; no room, so that it reads nothing. */
  async function patient(more: object = {}): Promise<Balanced> {
    const a = (await start('a', { scanInterval: 60_000, maxStreams: 1, ...more })).claims();
    await announce(client, 'own');
    await until('it has no room', () => a.owned.length === 1);
    return a;
  }

  it('is taken at once when the server says that the lock has expired', async () => {
    const a = await patient();
    await ownedByAStranger('x');
    const began = Date.now();
    await a.balancer.complete('own');
    await until('it is taken', () => a.owned.includes('x'), 8000);
    expect(Date.now() - began).toBeLessThan(4000);
  });

  it('is taken soon where the connection was lost, and a notification of the server may be lost', async () => {
    const a = await patient({ scanInterval: 1500 });
    const id = await ownedByAStranger('x');
    // No consumer is notified.
    await client.config('SET', 'notify-keyspace-events', '');
    await client.del(`x<MUTEX_KEY_SEP>${id}`);
    await a.balancer.complete('own');
    await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until('it is taken', () => a.owned.includes('x'), 10_000);
  });
});

it('what a program of another kind releases, or leaves when it dies, is shared out among those that can be asked', async () => {
  const [a, b] = [(await start('a')).claims(), (await start('b')).claims()];
  // It owns them all, and announces nothing of itself.
  const locks: string[] = [];
  for (const name of named(8)) {
    const input = JSON.stringify({ DataStreamName: name, Info: {} });
    const script = `
      local id = redis.call('XADD', KEYS[1], '*', 'lbs-input', ARGV[3])
      redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'STREAMS', KEYS[1], '>')
      redis.call('SET', ARGV[4] .. id, ARGV[2])
      return ARGV[4] .. id`;
    const lock = `${name}<MUTEX_KEY_SEP>`;
    locks.push((await client.eval(script, 1, INPUT, GROUP, 'stranger', input, lock)) as string);
  }
  const looks = async () =>
    Number(/cmdstat_mget:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0);
  const before = await looks();
  await until('both have looked', async () => (await looks()) > before + 4);
  expect([...a.owned, ...b.owned]).toEqual([]);
  for (const [n, lock] of locks.entries()) {
    const id = lock.split('<MUTEX_KEY_SEP>')[1]!;
    if (n % 2 === 0)
      await client.xclaim(INPUT, GROUP, 'stranger', 0, id, 'IDLE', 86_400_000, 'JUSTID');
    await client.pexpire(lock, 1);
  }
  await until(
    'they share',
    () => a.owned.length === 4 && b.owned.length === 4,
    10_000,
    () => [a.owned, b.owned],
  );
});

describe('a name that the service needs itself', () => {
  const names = ['svc-input', 'svc-input-dlq', '{svc-input}:members', '{x}:fence'];

  it.each([...names, 'x<MUTEX_KEY_SEP>1700000000000-0'])('is not announced: %s', async (name) => {
    const a = await start('a');
    await expect(a.balancer.add(name)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(await client.xlen(INPUT)).toBe(0);
  });

  it('is discarded where another program has announced it, and told of', async () => {
    const a = (await start('a')).claims();
    const told: unknown[] = [];
    a.events.on('assignment-discarded', (event) => told.push(event));
    const id = await announce(client, INPUT);
    await until('it is discarded', () => told.length === 1);
    expect(told).toEqual([{ service: 'svc', id, reason: 'reserved_name' }]);
    // Another process of its kind has read it, and died.
    await client.eval(
      `redis.call('XADD', KEYS[1], '5000000000000-0', 'lbs-input', ARGV[3])
       redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'STREAMS', KEYS[1], '>')`,
      1,
      ...[INPUT, GROUP, 'dead', JSON.stringify({ DataStreamName: INPUT })],
    );
    await until('so is this one', () => told.length === 2);
    const letters = (await client.xrange('svc-input-dlq', '-', '+')) as [string, string[]][];
    expect(letters.map(([, fields]) => fields.slice(-2))).toEqual([
      ['_dlq_reason', 'reserved_name'],
      ['_dlq_reason', 'reserved_name'],
    ]);
    expect(a.owned).toEqual([]);
    await announce(client, 'good');
    await until('the next one is owned', () => a.owned.length === 1);
    expect(a.failures).toEqual([]);
  });
});

it('an announcement with thousands of foreign fields is discarded, with all of them', async () => {
  const a = (await start('a')).claims();
  const foreign = Array.from({ length: 5000 }, (_, n) => [`f${n}`, 'x']).flat();
  await client.xadd(INPUT, '*', ...foreign);
  await until('it is moved', async () => (await client.xlen(INPUT)) === 0, 5000);
  const [[, letter]] = (await client.xrange('svc-input-dlq', '-', '+')) as [[string, string[]]];
  expect(letter).toEqual([...foreign, '_dlq_reason', 'unparseable']);
  expect(a.failures).toEqual([]);
});

it('a stream with thousands of foreign fields and a count of owners is given back', async () => {
  const a = await start('a');
  const foreign = Array.from({ length: 5000 }, (_, n) => [`f${n}`, 'x']).flat();
  const said = ['lbs-input', '{"DataStreamName":"x"}', '_retry_count', '2'];
  await client.xadd(INPUT, '*', ...said, ...foreign);
  await a.hears('StreamAdded x');
  await a.balancer.end(false, 'bye');
  const b = (await start('b')).claims();
  await until('another one has it', () => b.owned.length === 1);
});

it('a stream that is finished while it is looked for is not told of as expired', async () => {
  const a = await start('a', { scanInterval: 100 });
  // As the older client for Go finishes one: unlocked, and acknowledged a moment later.
  const finished = async (n: number): Promise<void> => {
    const script = `
      local id = redis.call('XADD', KEYS[1], '*', 'lbs-input', ARGV[3])
      redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'STREAMS', KEYS[1], '>')
      redis.call('SET', ARGV[4] .. id, ARGV[2], 'PX', 2000)
      return id`;
    const lock = `s${n}<MUTEX_KEY_SEP>`;
    const input = JSON.stringify({ DataStreamName: `s${n}` });
    const id = (await client.eval(script, 1, INPUT, GROUP, 'stranger', input, lock)) as string;
    await pace(110);
    await client.del(lock + id);
    await pace(60);
    await client.xack(INPUT, GROUP, id);
    await client.xdel(INPUT, id);
  };
  for (let n = 0; n < 12; n++) await finished(n);
  expect(a.said.filter((said) => said.startsWith('StreamExpired'))).toEqual([]);
});

it.each([
  ['', {}],
  ['x', []],
  ['x', 7],
])('what no consumer could read is not announced: "%s", %o', async (name, info) => {
  const a = await start('a');
  const adding = a.balancer.add(name, info as object as Record<string, unknown>);
  await expect(adding).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  expect(await client.xlen(INPUT)).toBe(0);
});

it('no more than maxStreams are owned, when streams come in several ways at once', async () => {
  const a = (await start('a', { maxStreams: 3 })).claims();
  await givenBack(['one', 'two', 'three'], 'stranger');
  await until('three are owned', () => a.owned.length === 3);
  // A read that asked for three waits yet, and gets them all.
  const inputs = ['four', 'five', 'six'].map((name) => `{"DataStreamName":"${name}"}`);
  const announcing = client.multi();
  for (const input of inputs) announcing.xadd(INPUT, '*', 'lbs-input', input);
  await announcing.exec();
  const free = async () =>
    (await client.xpending(INPUT, GROUP, 'IDLE', 3_600_000, '-', '+', 9)).length;
  await until('the others are given back', async () => (await free()) === 3);
  expect(a.owned).toEqual(['one', 'three', 'two']);
  const b = (await start('b')).claims();
  await until('b has them', () => b.owned.length === 3);
});

it('a stream that names none and cannot be buried holds up no other', async () => {
  await client.set('svc-input-dlq', 'no stream');
  await client.xadd(INPUT, '*', 'other', 'x');
  const a = (await start('a')).claims();
  await givenBack(['one'], 'stranger');
  await until('it is taken', () => a.owned.length === 1);
  await announce(client, 'two');
  await until('new ones are, too', () => a.owned.length === 2);
  await client.del('svc-input-dlq');
  await until('it is buried', async () => (await client.xlen('svc-input-dlq')) === 1);
});

it('a key of another kind keeps no other stream from being taken', async () => {
  await client.lpush('{s0}:fence', 'no token');
  await givenBack(named(200), 'stranger');
  const a = (await start('a', { scanInterval: 10_000 })).claims();
  await until('all others are taken, at the first look', () => a.owned.length === 199, 5000);
  expect(a.failures).toHaveLength(1);
});

describe('a name that is announced again and again', () => {
  /** Announced while `a` owns it. Handed out to `owner`, a minute ago. */
  async function again(stream: string, times: number, owner: string): Promise<void> {
    const script = `
      for i = 1, ARGV[1] do
        local id = redis.call('XADD', KEYS[1], '*', 'lbs-input', ARGV[2])
        redis.call('XREADGROUP', 'GROUP', ARGV[3], ARGV[4], 'STREAMS', KEYS[1], '>')
        redis.call('XCLAIM', KEYS[1], ARGV[3], ARGV[4], 0, id, 'IDLE', 60000, 'JUSTID')
      end`;
    const input = JSON.stringify({ DataStreamName: stream, Info: {} });
    await client.eval(script, 1, INPUT, times, input, GROUP, owner);
  }
  /** How long the oldest input is idle, ms. */
  async function oldest(): Promise<number> {
    const rows = (await client.xpending(INPUT, GROUP, '-', '+', 100)) as unknown[][];
    return Math.max(...rows.map((row) => Number(row[2])));
  }

  it('counts once where streams are shared', async () => {
    const a = (await start('a')).claims();
    for (const name of named(6)) await announce(client, name);
    await until('a has all', () => a.owned.length === 6);
    await again('s0', 20, 'a');
    const b = (await start('b')).claims();
    await again('s0', 20, 'b');
    await until('they share', () => a.owned.length === 3 && b.owned.length === 3);
    expect(a.failures).toEqual([]);
  });

  it.each(['a', 'b', 'dead'])(
    'stays young while it waits, and no consumer is told that it has expired: read by %s',
    async (reader) => {
      const a = (await start('a')).claims();
      await announce(client, 'x');
      await until('a has it', () => a.owned.length === 1);
      const b = await start('b');
      await again('x', 1, reader);
      await until('it is young', async () => (await oldest()) < 10_000, 5000);
      expect(b.said).toEqual([]);
      await a.balancer.complete('x');
      await until('it has its turn', () => [...a.owned, ...b.owned].length === 1, 5000);
      expect(await client.xlen(INPUT)).toBe(1);
    },
  );
});

it('nothing is handed over to a consumer whose application claims, or does not', async () => {
  const a = (await start('a', { scanInterval: 100 })).claims();
  for (const name of named(6)) await announce(client, name);
  await until('a has all', () => a.owned.length === 6);
  await start('b', { scanInterval: 100 });
  const looks = async () =>
    Number(/cmdstat_hgetall:calls=(\d+)/.exec(await client.info('commandstats'))?.[1]);
  const before = await looks();
  await until('they have looked often', async () => (await looks()) > before + 20);
  expect(a.said.filter((said) => said.startsWith('StreamDisowned'))).toEqual([]);
  expect(a.owned).toHaveLength(6);
});

it('a stream that the consumers with a free share do not take is taken before the next look', async () => {
  const scanInterval = 3000;
  const a = (await start('a', { scanInterval })).claims();
  // One who is said to be there, owns nothing, and takes nothing.
  const ghost = async () => {
    const [seconds] = await client.time();
    await client.hset(MEMBERS, 'ghost', `${seconds}000 0 1000`);
  };
  await ghost();
  await givenBack(named(8), 'dead');
  const began = Date.now();
  await until(
    'all are taken',
    async () => {
      await ghost();
      // It may hand some over again, to the one who is said to be there.
      return new Set(a.said.filter((said) => said.startsWith('StreamAdded'))).size === 8;
    },
    15_000,
  );
  expect(Date.now() - began).toBeLessThan(scanInterval + 700);
});

it('a stream that is lost while it waits to be let go of is told of at once', async () => {
  const a = await start('a');
  let rest!: () => void;
  const rested = new Promise<void>((resolve) => (rest = resolve));
  a.balancer.workWith({ added: () => undefined, letGo: () => rested, lost: () => rest() });
  const id = await a.balancer.add('x');
  await a.hears('StreamAdded x');
  const [owned] = a.balancer.streams();
  const failure = a.balancer.complete('x').catch((error: unknown) => error);
  await client.set(`x<MUTEX_KEY_SEP>${id}`, 'somebody-else', 'PX', 60_000);
  await a.hears('StreamDisowned x');
  expect(owned!.signal.aborted).toBe(true);
  expect(await failure).toMatchObject({ code: 'STREAM_NOT_OWNED' });
});

it('a key that holds no stream is known to keep its owner from reading, until it holds one', async () => {
  await client.set('x', 'no stream');
  const subscription = await readsX(await start('a'));
  await until('it is known', () => subscription.trouble!().refused.size === 1);
  expect([...subscription.trouble!().refused.keys()]).toEqual(['x']);
  await client.del('x');
  const id = await client.xadd('x', '*', 'n', '1');
  expect(await subscription.pull(1)).toMatchObject([{ id }]);
  expect(subscription.trouble!().refused.size).toBe(0);
});

it('notifications that the application does not read end the taking of streams, with a warning', async () => {
  const a = new Balanced(options('a'));
  const log = a.balancer.init();
  for (const name of named(520)) void announce(client, name);
  await until('it has stopped', () =>
    a.warnings.some(({ code }) => code === 'NOTIFICATIONS_UNHEARD'),
  );
  expect(log.waiting).toBeLessThan(520);
  // One that is claimed is refused, and why.
  await client.xreadgroup('GROUP', GROUP, 'dead', 'COUNT', 1, 'STREAMS', INPUT, '>');
  const [[idInLbs]] = (await client.xpending(INPUT, GROUP, '-', '+', 1, 'dead')) as [[string]];
  const [[, [, input]]] = (await client.xrange(INPUT, idInLbs, idInLbs)) as [[string, string[]]];
  const { DataStreamName } = JSON.parse(input!) as { DataStreamName: string };
  const claiming = a.balancer.claim({ dataStreamName: DataStreamName, idInLbs });
  await expect(claiming).rejects.toThrow('notifications');
  log.listen(() => undefined);
  await until('it goes on', () => a.owned.length === 520, 10_000);
});

it('what another consumer has taken behind which others have begun is run late, and told of', async () => {
  const events = new EventBus();
  const late: unknown[] = [];
  events.on('order-broken', (event) => late.push(event));
  const driver = redis({ url: server.url }).open({ events, keyPrefix: '' });
  onTestFinished(() => driver.source.close());
  const parts = driver.ownership!.join({
    ...{ service: 'svc', consumer: 'a', lease: 60_000, blockTimeout: 1000, hints: 'off' },
    ...{ onHint: () => undefined, onReconnected: () => undefined },
  });
  await parts.open();
  onTestFinished(() => parts.close());
  const id = await parts.inputs.add(['lbs-input', '{"DataStreamName":"x"}']);
  await parts.inputs.pull(1);
  const taken = await parts.locks.take({ stream: 'x', id }, true);
  if (taken.word !== 'taken') throw new Error(taken.word);
  const onFinished = (): undefined => undefined;
  const reading = { group: 'g', startId: '0', blockTimeout: 30_000, runsWithin: 1000, onFinished };
  const subscription = parts.subscribe(reading);
  onTestFinished(() => subscription.close());
  subscription.add({ stream: 'x', id, token: taken.token });
  for (const n of ['1', '2']) await client.xadd('x', '*', 'n', n);
  const [left] = await subscription.pull(1);
  // Left pending by policy, and taken by a program that claims what it finds.
  await driver.source.settle([{ lease: left!, settlement: { kind: 'leave' } }]);
  subscription.forget(left!, true);
  const [second] = await subscription.pull(1);
  await client.xclaim('x', 'g', 'other', 0, left!.id, 'JUSTID');
  await driver.source.settle([{ lease: second!, settlement: ack }]);
  expect(await subscription.pull(1)).toMatchObject([{ id: left!.id, charged: false }]);
  expect(late).toEqual([{ stream: 'x', group: 'g', count: 1 }]);
});

it('a run whose reply was too large for the connection is not counted', async () => {
  const driver = redis({ url: server.url }).open({ events: new EventBus(), keyPrefix: '' });
  onTestFinished(() => driver.source.close());
  const a = await start('a');
  const subscription = await readsX(a);
  await client.xadd('x', '*', 'n', 'small');
  let [lease] = await subscription.pull(1);
  // Until then entries are read one by one.
  await elapse(400);
  await client.config('SET', 'client-output-buffer-limit', 'normal 1500000 0 0');
  onTestFinished(() => void client.config('SET', 'client-output-buffer-limit', 'normal 0 0 0'));
  const large = client.multi();
  for (let n = 0; n < 20; n++) large.xadd('x', '*', 'n', 'x'.repeat(200_000));
  await large.exec();
  const runs: number[] = [];
  for (let n = 0; n < 20; n++) {
    await driver.source.settle([{ lease: lease!, settlement: ack }]);
    [lease] = await subscription.pull(1);
    if (!lease!.charged) await subscription.begin(lease!);
    runs.push(lease!.attempt);
  }
  expect(runs).toEqual(Array(20).fill(1));
});

it('what was redriven is heard of, also while the owner is about to wait', async () => {
  const driver = redis({ url: server.url }).open({ events: new EventBus(), keyPrefix: '' });
  onTestFinished(() => driver.source.close());
  const a = await start('a');
  const subscription = await readsX(a);
  await client.xadd('x', '*', 'n', '1');
  const [lease] = await subscription.pull(1);
  const holder = (lease as RedisLease).holder as OwnedReading;
  await client.xadd(holder.redriveKey, '*', 'origin', '{"stream":"x","id":"1-1"}', 'n', '0');
  await driver.source.settle([{ lease: lease!, settlement: ack }]);
  // It asks for more now.
  holder.redriven();
  expect(await subscription.pull(1)).toMatchObject([{ id: '1-1', redriven: true }]);
});

it('a key that may not be looked at hides no other one from the look for what was redriven', async () => {
  const rules = ['on', '>pw', '+@all', '~good*'];
  await client.call('ACL', 'SETUSER', 'modest', ...rules);
  const url = server.url.replace('redis://', 'redis://modest:pw@');
  const events = new EventBus();
  const commands = openCommands(new Connector({ url }), events, 'commands');
  await client.set('good-2', 'x');
  const told: string[] = [];
  const streams = ['bad', 'good-1', 'good-2'].map((redriveKey) => ({
    redriveKey,
    redriven: () => void told.push(redriveKey),
  }));
  const look = new RedrivenLook(commands, () => streams);
  const looking = look.run();
  await until('it is told of', () => told.length > 0);
  expect(told).toEqual(['good-2']);
  look.stop();
  await looking;
  await commands.close();
});

it('what goes on in some of many idle streams is heard of without asking about all of them each time', async () => {
  const events = new EventBus();
  const connector = new Connector({ url: server.url });
  const commands = openCommands(connector, events, 'commands');
  const watch = new IdleWatch({ connector, commands, events });
  const heard = new Set<string>();
  const listen = (name: string, after: string): void => {
    watch.add(name, after, () => {
      heard.add(name);
      // Something else will come.
      listen(name, `${Date.now() + 60_000}-0`);
    });
  };
  const streams = named(3000);
  for (const name of streams) listen(name, '0-0');
  const reads = async () =>
    Number(/cmdstat_xread:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0);
  await until('it waits', async () => (await client.info('clients')).includes('blocked_clients:1'));
  const before = await reads();
  const began = Date.now();
  for (const name of streams.slice(0, 60)) {
    await client.xadd(name, '*', 'n', '1');
    await pace(10);
  }
  await until('all are heard of', () => heard.size === 60);
  expect((await reads()) - before).toBeLessThanOrEqual((Date.now() - began) / 60 + 3);
  await watch.close();
  await commands.close();
});
