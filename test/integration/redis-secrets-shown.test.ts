import 'reflect-metadata';
import { inspect } from 'node:util';
import { Module } from '@nestjs/common';
import { NestFactory, ModulesContainer } from '@nestjs/core';
import { Redis } from 'ioredis';
import {
  RedisStreamsClient,
  RedisStreamsModule,
  RedisStreamsTransport,
  type RedisStreamsOptions,
} from 'nestjs-redis-streams';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RedisOptions } from '../../lib/drivers/redis/connection/redis.options.js';
import { Authority } from '../support/certificates.js';
import { startProxy } from '../support/proxy.js';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { secret, secretInUrl } from '../support/secrets.js';
import { secretsIn } from '../support/secret-watch.js';
import { secretsWithin } from '../support/secrets-within.js';
import { hasTls, startTlsRedis } from '../support/tls-redis.js';
import { until } from '../support/until.js';

const PASSWORD = secret('user');
const SENTINEL = secret('sentinel');
const authority = new Authority();
const client = authority.issue('a client');

let server: RedisServer;
let admin: Redis;
beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.url);
  await admin.call(
    'ACL',
    'SETUSER',
    'known',
    'on',
    `>${PASSWORD}`,
    '~*',
    '+@all',
    '-xadd',
    '-xgroup',
  );
  await admin.call('ACL', 'SETUSER', 'fit', 'on', `>${PASSWORD}`, '~*', '+@all');
});
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});

const printed: string[] = [];
beforeEach(() => {
  printed.length = 0;
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...args) => void printed.push(inspect(args)));
  }
  for (const out of [process.stdout, process.stderr]) {
    vi.spyOn(out, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  }
});
afterEach(() => vi.restoreAllMocks());

/** Everything that can be seen of a value, in all ways of printing it. */
function all(value: unknown): string {
  const shown = { depth: 12, showHidden: true, maxStringLength: Infinity, getters: true };
  return [inspect(value, shown), json(value), String(value)].join('\n');
}

function json(value: unknown): string {
  const seen = new Set<unknown>();
  return (
    JSON.stringify(value, (_, inner: unknown) => {
      if (typeof inner === 'bigint' || seen.has(inner)) return undefined;
      if (typeof inner === 'object' && inner !== null) seen.add(inner);
      if (!(inner instanceof Error)) return inner;
      return {
        ...Object.fromEntries(Object.entries(inner)),
        cause: inner.cause,
        stack: inner.stack,
      };
    }) ?? ''
  );
}

function expectNoSecret(...values: unknown[]): void {
  const seen = [...values.map(all), ...printed].join('\n');
  expect(seen.split('\n').filter((line) => secretsIn(line).length > 0)).toEqual([]);
}

/** A port on which no server listens. */
const NOWHERE = 1;
const login = { username: 'known', password: PASSWORD };
const urlTo = (port: number) => `redis://known:${secretInUrl('user')}@127.0.0.1:${port}`;

describe('secrets are in no error, event or log', () => {
  it.each<[string, () => RedisOptions, RegExp]>([
    [
      'of a login that is refused',
      () => ({ port: server.port, username: 'unknown', password: PASSWORD }),
      /WRONGPASS/,
    ],
    ['of a server that is not there', () => ({ url: urlTo(NOWHERE) }), /ECONNREFUSED/],
    ['of a right that is missing', () => ({ url: urlTo(server.port) }), /xgroup/],
    [
      'of sentinels that refuse the login',
      () => ({
        sentinels: [{ host: '127.0.0.1', port: server.port }],
        name: 'm',
        sentinelUsername: 'unknown',
        sentinelPassword: SENTINEL,
        ...login,
      }),
      /no sentinel led to the master.*WRONGPASS/,
    ],
    [
      'of TLS that cannot be agreed upon',
      () => ({ port: server.port, ...login, tls: { ca: authority.cert, ...client } }),
      /TLS/,
    ],
  ])('%s', async (_, redis, message) => {
    const given = { ...redis(), connectTimeout: 300 };
    const consumer = new RecordingConsumer({ redis: given, streams: ['s'] });
    const errors = await Promise.all(
      [consumer.start(), consumer.publish('s')].map((attempt) =>
        attempt.then(
          () => undefined,
          (error: unknown) => error,
        ),
      ),
    );
    await consumer.close();
    expect(String(errors[0])).toMatch(message);
    expectNoSecret(errors, consumer.events);
  });

  it('of a server that does not know how to log in', async () => {
    const args = ['AUTH', 'HELLO'].flatMap((command) => ['--rename-command', command, '']);
    const ignorant = await startRedis({ args });
    const redis = { port: ignorant.port, ...login, connectTimeout: 300 };
    const consumer = new RecordingConsumer({ redis, streams: ['s'] });
    const error: unknown = await consumer.start().catch((reason: unknown) => reason);
    await consumer.close();
    expect(String(error)).toMatch(/unknown command 'auth'/i);
    expectNoSecret(error, consumer.events);
    await ignorant.stop();
  });

  it('of an outage', async () => {
    const proxy = await startProxy(server.port);
    const redis = { port: proxy.port, username: 'fit', password: PASSWORD, commandTimeout: 200 };
    const consumer = await RecordingConsumer.start({ redis, streams: ['s'] });
    proxy.cut();
    const early: unknown = await consumer.publish('s').catch((error: unknown) => error);
    proxy.stall();
    await until('a command fails', () => consumer.of('worker-error').length > 0);
    const late: unknown = await consumer.publish('s').catch((error: unknown) => error);
    expect(late).toMatchObject({ code: 'REDIS_CONNECTION' });
    expectNoSecret(early, late, consumer.events);
    await proxy.close();
    await consumer.close();
  });

  it('of options that cannot work', () => {
    const wrong = {
      url: urlTo(1).replace('redis', 'http'),
      password: PASSWORD,
      tls: { key: client.key },
      sentinels: [],
      sentinelPassword: SENTINEL,
    };
    let error: unknown;
    try {
      error = new RedisStreamsTransport(wrong);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
    expectNoSecret(error);
  });
});

/** For what holds much: with the descriptions that objects give of themselves, as loggers show them. */
function expectNoSecretShown(...values: unknown[]): void {
  const described = { described: true, getters: true };
  expect(values.flatMap((value) => secretsWithin(value, described))).toEqual([]);
  expectNoSecret(...values.map(json));
}

describe('secrets are not shown by what is at work', () => {
  it('the runtime and everything that it holds', async () => {
    const redis = { port: server.port, username: 'fit', password: PASSWORD };
    const consumer = await RecordingConsumer.start({ redis, streams: ['shown'] });
    await consumer.publish('shown');
    await until('it is handled', () => consumer.handled.length === 1);
    const { runtime } = consumer;
    expectNoSecretShown(runtime, runtime.driver.unwrap!());
    // Not even where descriptions of one's own are left out.
    expect(secretsWithin(runtime)).toEqual([]);
    for (const customInspect of [true, false]) {
      const text = inspect(runtime, { depth: 7, showHidden: true, customInspect });
      expect(secretsIn(text)).toEqual([]);
    }
    await consumer.close();
  });

  it.each<[string, (port: number) => RedisOptions]>([
    ['a login in options', (port) => ({ port, username: 'moody', password: PASSWORD })],
    ['a login in a url', (port) => ({ url: urlTo(port).replace('known', 'moody') })],
    ['a client of the application', (port) => ({ client: () => clientTo(port) })],
  ])('the runtime at each packet, also of refusals and outages, with %s', async (_, redis) => {
    const proxy = await startProxy(server.port);
    const options = { ...redis(proxy.port), commandTimeout: 1500 };
    const consumer = new RecordingConsumer({ redis: options, streams: ['watched'] });
    const { runtime } = consumer;
    /** Ways to a secret, with the packet in whose moment each was found. */
    const ways = new Map<string, string>();
    let packets = '';
    const look = (packet: string): string => {
      packets += packet;
      const [began = ''] = packet.replaceAll(/\s+/g, ' ').split(PASSWORD, 1);
      for (const way of secretsWithin(runtime)) ways.set(way, began.slice(0, 60));
      return packet;
    };
    const connections = (): number => consumer.of('connected').length;
    const isBack = async (breakIt: () => unknown) => {
      const before = connections();
      await breakIt();
      await until('it is connected again', () => connections() > before);
    };
    proxy.rewrite = { requests: look, replies: look };
    look('made');

    await allow(`>${PASSWORD}`, '+@all');
    await consumer.start();
    await consumer.publish('watched');
    await until('it is handled', () => consumer.handled.length === 1);
    await until('it listens to hints', () => /subscribe\r[^]*subscribe\r/i.test(packets));
    await isBack(() => proxy.cut());
    await isBack(kill);
    proxy.stall();
    await consumer.publish('watched').catch(() => look('no answer'));
    await isBack(() => {
      proxy.resume();
      proxy.cut();
    });
    packets = '';
    await allow('resetpass', '>another');
    await kill();
    // While each of the connections is refused, the others look at what it keeps of the refusal.
    await until('logins are refused', () => packets.split('WRONGPASS').length > 8);
    await allow('resetpass', `>${PASSWORD}`, '-client', '-subscribe', '-info');
    await until('a command is refused', () => packets.includes('NOPERM'));
    await isBack(kill);
    const closing = consumer.close();
    look('closing');
    await closing;
    look('closed');
    expect([...ways]).toEqual([]);
    await proxy.close();
  });

  const allow = (...rules: string[]) =>
    admin.call('ACL', 'SETUSER', 'moody', 'on', '~*', '&*', ...rules);
  const kill = () => admin.call('CLIENT', 'KILL', 'USER', 'moody');
  const clientTo = (port: number) =>
    new Redis({ port, username: 'moody', password: PASSWORD, lazyConnect: true });

  it.skipIf(!hasTls())('over TLS (needs a redis-server that was built with it)', async () => {
    const { cert: ca } = authority;
    const tls = await startTlsRedis(authority.issue('localhost'), ca);
    const redis = { url: `rediss://localhost:${tls.port}`, tls: { ca, ...client } };
    const consumer = await RecordingConsumer.start({ redis, streams: ['s'] });
    await consumer.publish('s');
    expectNoSecretShown(consumer.runtime, consumer.runtime.driver.unwrap!());
    expect(secretsWithin(consumer.runtime)).toEqual([]);
    await consumer.close();
    await tls.stop();
  });

  it('transport, client and module of an application', async () => {
    const options: RedisStreamsOptions = { url: urlTo(server.port), group: 'g' };
    const forRoot = RedisStreamsModule.forRoot(options);
    const forRootAsync = RedisStreamsModule.forRootAsync({
      name: 'other',
      useFactory: () => ({ ...options }),
    });

    @Module({ imports: [forRoot, forRootAsync] })
    class AppModule {}

    const app = await NestFactory.createApplicationContext(AppModule, {
      logger: ['error', 'warn'],
    });
    const transport = app.get(RedisStreamsTransport);
    const alone = new RedisStreamsClient(options);
    await until('it is connected', () => inspect(transport.unwrap()).includes('ready'));
    expectNoSecretShown(
      forRoot,
      forRootAsync,
      transport,
      transport.unwrap(),
      app.get(RedisStreamsClient),
    );
    expectNoSecretShown(alone, [...app.get(ModulesContainer, { strict: false }).values()]);
    await alone.close();
    await app.close();
  });
});
