import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { StreamsEvents } from '../../lib/core/events.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { freePort } from '../support/free-port.js';
import { startProxy } from '../support/proxy.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';

let server: TestRedis;
beforeAll(async () => {
  server = await testRedis();
});
afterAll(() => server.cleanup());

type Connection = StreamsEvents['connected'];

/** A driver behind a network that can break, and its connections that are broken. */
async function behindProxy() {
  const proxy = await startProxy(server.url);
  const events = new EventBus();
  const driver = redis({ url: proxy.url, connectTimeout: 1500 }).open({
    events,
    keyPrefix: server.prefix,
  });
  onTestFinished(async () => {
    await driver.source.close();
    await proxy.close();
  });
  const nameOf = ({ role, connection }: Connection): string => `${role} ${connection}`;
  const broken = new Set<string>();
  const retired: string[] = [];
  events.on('disconnected', (connection) => broken.add(nameOf(connection)));
  events.on('unreachable', (connection) => broken.add(nameOf(connection)));
  events.on('connected', (connection) => broken.delete(nameOf(connection)));
  events.on('connection-retired', (connection) => {
    retired.push(connection.role);
    broken.delete(nameOf(connection));
  });
  const read = (stream: string) =>
    driver.source.subscribe({
      ...{ streams: [stream], group: 'g', consumer: 'me', startId: '0' },
      ...{ blockTimeout: 100, idleTimeout: 60_000, reclaimInterval: 60_000 },
    });
  return { proxy, broken, retired, read };
}

it('a reader that is closed in an outage is not missed for ever: another one goes on', async () => {
  const { proxy, broken, retired, read } = await behindProxy();
  const [closing] = [await read('orders'), await read('bills')];
  const away = await freePort();
  const port = Number(new URL(server.url).port);
  proxy.point(away);
  proxy.cut();
  const readers = (): string[] => [...broken].filter((name) => name.startsWith('reader'));
  await until('both are broken', () => readers().length === 2);
  await closing.close();
  expect(retired).toEqual(['reader']);
  expect(readers()).toHaveLength(1);
  proxy.point(port);
  await until('nothing is broken any more', () => broken.size === 0);
});

it('a reader that is closed before it could be connected is not missed for ever', async () => {
  const { proxy, broken, retired, read } = await behindProxy();
  await (await read('orders')).close();
  proxy.point(await freePort());
  const opening = read('orders');
  await Promise.all([
    until('it cannot be reached', () => broken.size > 0),
    expect(opening).rejects.toThrow('while opening a reader'),
  ]);
  expect(retired).toEqual(['reader']);
  expect([...broken]).toEqual([]);
});

it('a reader that is closed while it works retires without a word', async () => {
  const { retired, broken, read } = await behindProxy();
  await (await read('orders')).close();
  expect([...retired, ...broken]).toEqual([]);
});
