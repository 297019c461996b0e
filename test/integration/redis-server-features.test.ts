import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startProxy, type Proxy } from '../support/proxy.js';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

/**
 * Any server stands here for others: the proxy changes what is asked of it and what it answers, as a
 * server with another version or other commands would.
 */
let server: RedisServer;
let proxy: Proxy;
let client: Redis;
let producer: RecordingConsumer;
beforeEach(async () => {
  server = await startRedis();
  proxy = await startProxy(server.port);
  client = new Redis(server.url);
  producer = new RecordingConsumer({
    redis: { url: proxy.url },
    streams: ['s'],
    idempotencyWindow: 'native',
  });
});
afterEach(async () => {
  await producer.close();
  client.disconnect();
  await proxy.close();
  await server.stop();
});

/** To this question any server says yes. */
const HAS_IT = (text: string) => text.replace(/xcfgset/i, 'persist');
/** In as many characters as the server's own version has. */
const ofVersion = (minor: string, patch: string) => (text: string) =>
  text.replace(/redis_version:(\S+)/, (_, own: string) => {
    const rest = patch.padStart(own.length - minor.length - 1, '0');
    return `redis_version:${minor}.${rest}`;
  });

const publish = (...keys: string[]) =>
  producer.runtime.producer.publishBatch(
    keys.map((idempotencyKey) => ({ eventType: 'e', payload: 1, stream: 's', idempotencyKey })),
  );
const connections = () =>
  producer.of('connected').filter(({ role }) => role === 'publisher').length;
const ids = async () => (await client.xrange('s', '-', '+')).map(([id]) => id);
const scripted = () => client.exists('{s}:published:k');

it('what a server does not have is not tried', async () => {
  const sent: string[] = [];
  proxy.rewrite = {
    requests: (text) => {
      sent.push(text);
      return text.replace(/xcfgset/i, 'no-such');
    },
  };
  const [id] = await publish('k');
  expect(await publish('k')).toEqual([id]);
  expect(await scripted()).toBe(1);
  expect(sent.join('')).not.toContain('IDMP');
  expect(producer.of('warning')).toEqual([]);
});

it('what a server says to have and has not is given up at once, and nothing is lost or doubled', async () => {
  // An older server is asked to XADD with IDMP; a newer one is made not to understand it.
  proxy.rewrite = {
    requests: (text) => HAS_IT(text).replace(/\bIDMP\b/g, 'IDxP'),
    replies: ofVersion('7.0', '9'),
  };
  const before = await publish('k', 'l', 'k');
  const after = await publish('m', 'k');
  expect(before[2]).toBe(before[0]);
  expect(after[1]).toBe(before[0]);
  expect(await ids()).toEqual([before[0], before[1], after[0]]);
  expect(await scripted()).toBe(1);
  expect(producer.of('warning')).toEqual([
    { code: 'SERVER_FEATURE_MISSING', message: expect.stringContaining('IDMP') as unknown },
  ]);
});

it('a version that is known not to have it right is denied, and named', async () => {
  proxy.rewrite = { requests: HAS_IT, replies: ofVersion('8.6', '1') };
  await publish('k');
  expect(await scripted()).toBe(1);
  await publish('k', 'l');
  expect(producer.of('warning')).toEqual([
    {
      code: 'SERVER_FEATURE_DENIED',
      message: expect.stringMatching(/server 8\.6\.0*1 /) as unknown,
    },
  ]);
});

it('a server that may not be asked is used as if it had nothing', async () => {
  await client.acl('SETUSER', 'default', '-command');
  const [id] = await publish('k');
  expect(await publish('k')).toEqual([id]);
  expect(await scripted()).toBe(1);
});

it('is asked anew after each reconnect', async () => {
  const asked: string[] = [];
  const note = (text: string) => {
    if (/xcfgset/i.test(text)) asked.push(text);
    return text;
  };
  proxy.rewrite = { requests: note };
  await publish('k');
  proxy.cut();
  await until('it is connected again', () => connections() === 2);
  await publish('k');
  expect(asked).toHaveLength(2);
});

it('a connection that breaks while it is asked is replaced', async () => {
  let breaks = 2;
  proxy.rewrite = {
    requests: (text) => {
      if (/xcfgset/i.test(text) && breaks-- > 0) proxy.cut();
      return text;
    },
  };
  const [id] = await publish('k');
  expect(await ids()).toEqual([id]);
});
