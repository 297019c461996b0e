import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import type { RedisOptions } from '../../lib/drivers/redis/connection/redis.options.js';
import { StreamsTransport } from '../../lib/nest/transport/streams.transport.js';
import { startProxy } from '../support/proxy.js';
import { freePort } from '../support/free-port.js';
import { startRedis } from '../support/redis-server.js';
import { secret } from '../support/secrets.js';
import { until } from '../support/until.js';
import { inAllSlots } from '../support/in-all-slots.js';

/** Somewhat more than the second after which it is told. */
const SOON = 2500;

const lines: string[] = [];
beforeEach(() => {
  const write = (text: unknown) => void lines.push(String(text));
  Logger.overrideLogger({ log: write, warn: write, error: write });
});
afterEach(() => {
  lines.length = 0;
});

/** Begins to listen, and answers the first line of the log and when it came. */
async function firstLine(connection: RedisOptions): Promise<{ line: string; after: number }> {
  const times = { connectTimeout: 1500, commandTimeout: 1500 };
  const source = redis({ ...connection, ...times });
  const transport = new StreamsTransport({ slots: inAllSlots(source), group: 'g' });
  transport.addHandler('order', async () => undefined, true);
  const began = performance.now();
  transport.listen(() => undefined);
  await until('a line', () => lines.length > 0, SOON);
  const after = performance.now() - began;
  await transport.close();
  return { line: lines[0]!, after };
}

it('a server that does not run is told of after a second, with address and reason', async () => {
  const port = await freePort();
  const { line, after } = await firstLine({ host: '127.0.0.1', port });
  expect(after).toBeGreaterThan(900);
  expect(line).toMatch(new RegExp(`connecting to 127.0.0.1:${port}: .*ECONNREFUSED.* tried again`));
});

it('a name with several addresses has a reason, too', async () => {
  const { line } = await firstLine({ host: 'localhost', port: await freePort() });
  expect(line).toMatch(/connecting to localhost:\d+: .*ECONNREFUSED/);
});

it('a server that does not answer is told of', async () => {
  const server = await startRedis();
  const proxy = await startProxy(server.port);
  proxy.stall();
  const { line } = await firstLine({ url: proxy.url });
  expect(line).toContain(`connecting to 127.0.0.1:${proxy.port}: there was no answer so far.`);
  await proxy.close();
  await server.stop();
});

it('a login that is refused is told of without the password', async () => {
  const server = await startRedis({ args: ['--requirepass', secret('server')] });
  const { line } = await firstLine({
    url: `redis://:${encodeURIComponent(secret('wrong'))}@127.0.0.1:${server.port}`,
  });
  expect(line).toMatch(/127\.0\.0\.1:\d+: WRONGPASS.*correct the user name and the password/);
  expect(lines.join()).not.toContain(secret('wrong'));
  await server.stop();
});

it('sentinels are named', async () => {
  const sentinels = [{ host: '127.0.0.1', port: await freePort() }];
  const { line } = await firstLine({ sentinels, name: 'main' });
  expect(line).toMatch(/the master "main" by the sentinels 127\.0\.0\.1:\d+: /);
});

it('seeds of a cluster are named', async () => {
  const port = await freePort();
  const { line } = await firstLine({ cluster: [{ host: '127.0.0.1', port }] });
  expect(line).toMatch(new RegExp(`connecting to 127.0.0.1:${port}: .*ECONNREFUSED`));
});

it('a start that fails says where it tried, and for how long', async () => {
  const port = await freePort();
  const source = redis({ host: '127.0.0.1', port, connectTimeout: 300 });
  const transport = new StreamsTransport({ slots: inAllSlots(source), group: 'g' });
  transport.addHandler('order', async () => undefined, true);
  const failure = await new Promise<unknown>((resolve) => transport.listen(resolve));
  expect((failure as Error).message).toMatch(
    new RegExp(
      `^No connection to Redis while .* \\(tried 127.0.0.1:${port} for 0.3 s\\): .*ECONNREFUSED`,
    ),
  );
  await transport.close();
});

it('a server that is there is not told of', async () => {
  const server = await startRedis();
  const transport = new StreamsTransport({
    slots: inAllSlots(redis({ url: server.url })),
    group: 'g',
  });
  const told: unknown[] = [];
  transport.on('unreachable', (event) => told.push(event));
  await new Promise((resolve) => transport.listen(resolve));
  await transport.close();
  expect(told).toEqual([]);
  await server.stop();
});
