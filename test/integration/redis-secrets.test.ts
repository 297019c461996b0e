import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { secret, secretInUrl, wordOf } from '../support/secrets.js';
import { until } from '../support/until.js';

const RIGHT = secret('server');
const WRONG = secret('wrong');
const PAYLOAD = secret('payload');

let server: RedisServer;
const printed: string[] = [];
beforeEach(async () => {
  server = await startRedis({ args: ['--requirepass', RIGHT] });
  printed.length = 0;
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...args) => void printed.push(inspect(args)));
  }
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await server.stop();
});

/** Everything that can be seen of a value, hidden properties and causes too. */
const all = (value: unknown): string =>
  inspect(value, { depth: Infinity, showHidden: true, maxStringLength: Infinity, getters: true });

it.each([
  ['an option', { password: WRONG }],
  ['an option beside a user name', { username: 'default', password: WRONG }],
  ['a url', { url: `redis://:${secretInUrl('wrong')}@127.0.0.1` }],
])('a wrong password, given as %s, is named in no error, event or log', async (_, given) => {
  const place = { host: '127.0.0.1', port: server.port };
  const redis = 'url' in given ? { url: `${given.url}:${server.port}` } : { ...place, ...given };
  const consumer = new RecordingConsumer({
    redis: { ...redis, connectTimeout: 300 },
    streams: ['s'],
  });
  const error: unknown = await consumer.start().catch((reason: unknown) => reason);
  expect(String(error)).toContain('WRONGPASS');
  const seen = [all(error), all(consumer.events), ...printed].join('\n');
  expect(seen).not.toContain(wordOf('wrong'));
  await consumer.close();
});

it('a password that is changed under us is named nowhere, and the right one works again', async () => {
  const consumer = await RecordingConsumer.start({
    redis: { url: server.url, commandTimeout: 300 },
    streams: ['s'],
  });
  const client = new Redis(server.url);
  await client.config('SET', 'requirepass', secret('another'));
  await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await until('the loss is noticed', () => consumer.of('disconnected').length === 2);
  const refused: unknown = await consumer.publish('s').catch((reason: unknown) => reason);
  await client.config('SET', 'requirepass', RIGHT);
  await until(
    'it is connected again',
    () => consumer.of('connected').length >= 4,
    15_000,
    () => JSON.stringify([consumer.of('connected'), consumer.of('disconnected')], undefined, 1),
  );
  await consumer.publish('s');
  await until('the message is handled', () => consumer.handled.length === 1);
  expect(String(refused)).toContain('WRONGPASS');
  const seen = [all(refused), all(consumer.events), ...printed].join('\n');
  expect(seen).not.toContain(wordOf('server'));
  client.disconnect();
  await consumer.close();
});

it('a payload is named in no error either', async () => {
  const consumer = new RecordingConsumer({ redis: { url: server.url }, streams: [] });
  const client = new Redis(server.url);
  await client.set('s', 'no stream');
  const publication = { eventType: 'made', payload: PAYLOAD, stream: 's' };
  const error: unknown = await consumer.runtime.producer
    .publish(publication)
    .catch((e: unknown) => e);
  expect(error).toMatchObject({ code: 'WRONG_KEY_TYPE', key: 's' });
  expect([all(error), all(consumer.events), ...printed].join('\n')).not.toContain(
    wordOf('payload'),
  );
  client.disconnect();
  await consumer.close();
});
