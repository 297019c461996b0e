import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { Reclaimer } from '../../lib/drivers/redis/reading/reclaimer.js';
import { Connection } from '../../lib/drivers/redis/connection/connection.js';
import { Connector } from '../../lib/drivers/redis/connection/connector.js';
import { GroupKeeper } from '../../lib/drivers/redis/groups/group-keeper.js';
import { Keys } from '../../lib/drivers/redis/keys/keys.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import type { RedisSource } from '../../lib/drivers/redis/redis.source.js';
import { extend } from '../../lib/drivers/redis/held-entries/extend.script.js';
import { RecordingConsumer, type ConsumeOptions } from '../support/recording-consumer.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';

let server: TestRedis;
let key: string;
beforeAll(async () => {
  server = await testRedis();
  key = `${server.prefix}s`;
});
afterAll(() => server.cleanup());
beforeEach(async () => {
  await server.client.xgroup('CREATE', key, 'g', '0', 'MKSTREAM');
});
afterEach(async () => {
  await server.client.del(key, `{${key}}:floor`);
});

/** Publishes entries and has them read by a consumer that then says nothing more. */
async function abandon(count: number, consumer = 'gone'): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    ids.push((await server.client.xadd(key, '*', 'event_type', 'made', 'payload', '{}'))!);
  }
  await server.client.call('XREADGROUP', 'GROUP', 'g', consumer, 'STREAMS', key, '>');
  return ids;
}

async function pendingCount(): Promise<number> {
  const [count] = (await server.client.xpending(key, 'g')) as [number];
  return count;
}

const start = (handle?: ConsumeOptions['handle']): Promise<RecordingConsumer> =>
  RecordingConsumer.start({
    redis: { url: server.url },
    keyPrefix: server.prefix,
    streams: ['s'],
    backoff: { type: 'fixed', delay: 300 },
    ...(handle && { handle }),
  });

describe('pending entries whose data is gone', () => {
  it('are dropped and counted where a dead consumer left them', async () => {
    const ids = await abandon(10);
    await server.client.xdel(key, ...ids.slice(0, 4));
    const consumer = await start();
    await until('the others are handled', () => consumer.handled.length === 6);
    await until('nothing is pending', async () => (await pendingCount()) === 0);
    expect(consumer.ids('s')).toEqual(ids.slice(4));
    expect(total(consumer)).toBe(4);
    await consumer.close();
  });

  it('are dropped and counted where they wait for a retry', async () => {
    const consumer = await start(() => {
      throw new Error('fails');
    });
    const [id] = await consumer.publish('s');
    await until('it waits', () => consumer.of('settled').length === 1);
    await server.client.xdel(key, id!);
    await until('nothing is pending', async () => (await pendingCount()) === 0);
    await until('that was counted', () => total(consumer) === 1);
    await until('and settled', () => consumer.of('settled').length === 2);
    expect(consumer.of('settled').map(({ outcome }) => outcome)).toEqual(['retried', 'trimmed']);
    await consumer.close();
  });
});

it('entries that lost two workers run one at a time, and hold up nothing that is new', async () => {
  const old = await abandon(200);
  const claim = [
    'XCLAIM',
    key,
    'g',
    'gone',
    '0',
    ...old,
    'IDLE',
    '60000',
    'RETRYCOUNT',
    '2',
    'JUSTID',
  ];
  await server.client.call(...(claim as [string, ...string[]]));
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const started: string[] = [];
  const consumer = await start(async ({ id, attempt }) => {
    started.push(`${id} ${attempt}`);
    if (old.includes(id)) await gate;
  });
  await until('one of them runs', () => started.length === 1);
  const fresh = await consumer.publish('s', 300);
  await until('what is new is handled', () => fresh.every((id) => consumer.ids('s').includes(id)));
  expect(started.filter((run) => run.endsWith(' 3'))).toHaveLength(1);
  open();
  await until('all are handled', () => consumer.handled.length === 500);
  await until('nothing is pending', async () => (await pendingCount()) === 0);
  await consumer.close();
});

function total(consumer: RecordingConsumer): number {
  return consumer.of('trimmed').reduce((sum, { count }) => sum + count, 0);
}

describe('consumers that are gone', () => {
  it('are removed where they hold nothing, and kept where they hold entries', async () => {
    await server.client.xgroup('CREATECONSUMER', key, 'g', 'gone');
    await abandon(1, 'holds-one');
    const events = new EventBus();
    const removed: string[] = [];
    events.on('consumer-removed', ({ consumer }) => removed.push(consumer));
    const keys = new Keys(server.prefix);
    const connector = new Connector({ url: server.url });
    const commands = new Connection({ connector, role: 'commands', events, replyTimeout: 5000 });
    const keeper = new GroupKeeper({ commands, keys, events, group: 'g', startId: '0' });
    const reclaimer = new Reclaimer({
      ...{ commands, keys, keeper, events, group: 'g', consumer: 'me', interval: 20 },
      ...{ idleTimeout: 60_000, absentAfter: 50, crashedAfter: 60_000 },
      streams: () => [{ key, stream: 's', redriven: false }],
      capacity: () => 10,
      onLook: async () => undefined,
      onLooked: async () => undefined,
    });
    await reclaimer.start();
    await until('one is removed', () => removed.length > 0);
    await reclaimer.stop();
    await commands.close();
    const consumers = (await server.client.xinfo('CONSUMERS', key, 'g')) as unknown[][];
    expect(removed).toEqual(['gone']);
    expect(consumers.map((row) => row[row.indexOf('name') + 1])).toEqual(['holds-one', 'me']);
  });
});

describe('an entry behind very many that are not asked for', () => {
  it('is kept as its holder’s', { timeout: 20_000 }, async () => {
    await server.client.eval(
      `for i = 1, 100100 do redis.call('XADD', KEYS[1], i .. '-1', 'a', 'b') end`,
      1,
      key,
    );
    await server.client.eval(
      `redis.call('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', KEYS[1], '>')`,
      1,
      key,
    );
    const entries = ['1-1', '100099-1'].map((id) => ({ id, count: 1 }));
    const words = await extend(server.client, { key, group: 'g', consumer: 'c', entries });
    expect(words).toEqual(['held', 'held']);
    const others = entries.map((entry) => ({ ...entry, count: 2 }));
    expect(
      await extend(server.client, { key, group: 'g', consumer: 'c', entries: others }),
    ).toEqual(['lost', 'lost']);
  });
});

describe('a subscription that is closed', () => {
  it('is not kept by its source', async () => {
    const { url, prefix: keyPrefix } = server;
    const { source } = redis({ url }).open({ events: new EventBus(), keyPrefix });
    const subscription = await source.subscribe({
      ...{ blockTimeout: 100, idleTimeout: 1000, reclaimInterval: 500 },
      ...{ streams: ['s'], group: 'g', consumer: 'c', startId: '0' },
    });
    const subscriptions = (source as RedisSource)['subscriptions'];
    expect(subscriptions.size).toBe(1);
    await subscription.close();
    expect(subscriptions.size).toBe(0);
    await source.close();
  });
});
