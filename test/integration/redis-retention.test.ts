import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { TrimOrder } from '../../lib/ports/retention.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { startProxy } from '../support/proxy.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const settled: TrimOrder = { policy: 'deleteWhenSettled', groups: [] };
let server: TestRedis;
let driver: Driver;
let stream: string;
let names = 0;
beforeAll(async () => {
  server = await testRedis();
  driver = redis({ url: server.url }).open({ events: new EventBus(), keyPrefix: '' });
});
afterAll(async () => {
  await driver.source.close();
  await server.cleanup();
});
beforeEach(() => {
  stream = `${server.prefix}s${++names}`;
});

let consumer: RecordingConsumer | undefined;
afterEach(async () => {
  await consumer?.close();
  consumer = undefined;
});

const retaining = (more = {}) => ({
  redis: { url: server.url },
  streams: [stream],
  retention: 'deleteWhenSettled' as const,
  retentionInterval: 20,
  ...more,
});

const trim = (order = settled) => driver.retention!.trim(stream, order);
const length = () => server.client.xlen(stream);

async function add(...ids: string[]): Promise<void> {
  for (const id of ids) await server.client.xadd(stream, id, 'f', 'v');
}

/** As if a consumer had read all and settled all but these. */
async function read(group: string, ...pending: string[]): Promise<void> {
  const { client } = server;
  await client.xgroup('CREATE', stream, group, '0').catch(() => undefined);
  const reply = await client.xreadgroup('GROUP', group, 'c', 'STREAMS', stream, '>');
  const [[, entries]] = reply as [[string, [string, string[]][]]];
  const ids = entries.map(([id]) => id).filter((id) => !pending.includes(id));
  if (ids.length > 0) await client.xack(stream, group, ...ids);
}

it('a group that is set back keeps what it has not read again', async () => {
  await add('1-0', '2-0', '3-0', '4-0');
  await read('g');
  await server.client.xgroup('SETID', stream, 'g', '2-0');
  expect(await trim()).toMatchObject({ count: 2, lost: 0 });
  expect((await server.client.xrange(stream, '-', '+')).map(([id]) => id)).toEqual(['3-0', '4-0']);
});

it('a group that is set back behind what it holds keeps that, too', async () => {
  await add('1-0', '2-0', '3-0', '4-0');
  await read('g', '4-0');
  await server.client.xgroup('SETID', stream, 'g', '1-0');
  expect(await trim()).toMatchObject({ count: 1 });
  expect(await length()).toBe(3);
});

it('ids are compared exactly, however large their numbers are', async () => {
  const most = '18446744073709551615';
  await add(`9-${most}`, '10-9007199254740992', '10-9007199254740993', `10-${most}`);
  await read('g', '10-9007199254740993');
  await trim();
  expect((await server.client.xrange(stream, '-', '+')).map(([id]) => id)).toEqual([
    '10-9007199254740993',
    `10-${most}`,
  ]);
});

it('goes by portions, of which the server carries out others in between', async () => {
  const fill = `for n = 1, 30000 do redis.call('XADD', KEYS[1], n .. '-0', 'f', 'v') end`;
  await server.client.eval(fill, 1, stream);
  await server.client.xgroup('CREATE', stream, 'g', '29990-0');
  const counts: number[] = [];
  for (let more = true; more;) {
    const trimmed = await trim();
    counts.push(trimmed.count);
    ({ more } = trimmed);
  }
  expect(Math.max(...counts)).toBeLessThanOrEqual(10_000);
  expect(counts.reduce((sum, count) => sum + count)).toBe(29_990);
  expect(await length()).toBe(10);
});

it('leaves the lag of groups known', async () => {
  await add('1-0', '2-0', '3-0');
  await read('g', '2-0');
  await add('4-0', '5-0');
  await trim();
  const [row] = (await server.client.xinfo('GROUPS', stream)) as unknown[][];
  expect(row![row!.indexOf('lag') + 1]).toBe(2);
});

it('a running consumer keeps its stream short, and dead letters and redriven messages whole', async () => {
  let mended = false;
  let first = '';
  consumer = await RecordingConsumer.start({
    ...retaining({ maxDeliveries: 1 }),
    handle: ({ id }) => {
      first ||= id;
      if (id === first && !mended) throw new Error('on purpose');
    },
  });
  await consumer.publish(stream, 500);
  await until('all is deleted', async () => (await length()) === 0);
  const { deadLetters } = consumer.runtime.admin;
  await until('a dead letter', async () => (await deadLetters.list(stream)).items.length === 1);
  mended = true;
  expect(await deadLetters.redrive(stream, { all: true })).toBe(1);
  await until('it is handled', () => consumer!.handled.some(({ id }) => id === first));
});

it('a stream that vanishes, or becomes another type of key, does not stop retention', async () => {
  consumer = await RecordingConsumer.start(retaining());
  await consumer.publish(stream, 10);
  await until('all is deleted', async () => (await length()) === 0);
  await server.client.del(stream);
  await server.client.set(stream, 'text');
  await until('it is told', () =>
    consumer!.events.some(
      ({ name, event }) =>
        name === 'worker-error' &&
        (event as { worker: string; error: { code: string } }).worker === 'retention' &&
        (event as { error: { code: string } }).error.code === 'WRONG_KEY_TYPE',
    ),
  );
  await server.client.del(stream);
  await until('the group is back', async () => (await server.client.exists(stream)) === 1);
  await consumer.publish(stream, 10);
  await until('all is handled', () => consumer!.handled.length === 20);
  await until('all is deleted again', async () => (await length()) === 0);
});

it('several processes at once do no harm', async () => {
  const one = await RecordingConsumer.start(retaining());
  consumer = await RecordingConsumer.start(retaining({ group: 'other' }));
  const ids = await one.publish(stream, 2000);
  await until('all is deleted', async () => (await length()) === 0);
  await until('all settled', () => consumer!.handled.length >= 2000);
  for (const { handled } of [one, consumer]) {
    expect(handled.map(({ id }) => id).sort()).toEqual([...ids].sort());
  }
  await one.close();
});

it('a server that turns out not to know ACKED is trimmed as any other', async () => {
  const proxy = await startProxy(Number(new URL(server.url).port));
  // To this question any server says yes.
  proxy.rewrite = { requests: (text) => text.replace(/xdelex/i, 'append') };
  const url = new URL(server.url);
  url.host = new URL(proxy.url).host;
  const events = new EventBus();
  const warnings: string[] = [];
  events.on('warning', ({ code }) => warnings.push(code));
  const other = redis({ url: url.href }).open({ events, keyPrefix: '' });
  await add('1-0', '2-0', '3-0');
  await read('g', '2-0');
  const first = await other.retention!.trim(stream, settled);
  const second = await other.retention!.trim(stream, settled);
  const [major = 0] = (await version()).split('.').map(Number);
  // Of servers that do know it only later ones can tell what was settled behind the pending one.
  if (major < 8) expect(warnings).toEqual(['SERVER_FEATURE_MISSING']);
  if (major < 8) expect([first.count, second.count]).toEqual([1, 0]);
  expect((await server.client.xrange(stream, '2-0', '2-0')).length).toBe(1);
  await other.source.close();
  await proxy.close();
});

const version = async (): Promise<string> =>
  /^redis_version:(\S+)/m.exec(await server.client.info('server'))![1]!;
