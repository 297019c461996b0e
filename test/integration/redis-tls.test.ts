import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TlsConnectionError } from '../../lib/drivers/redis/errors/redis-connection.errors.js';
import type { RedisOptions } from '../../lib/drivers/redis/connection/redis.options.js';
import { Authority } from '../support/certificates.js';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { startRedis } from '../support/redis-server.js';
import { hasTls, startTlsRedis, type TlsRedis } from '../support/tls-redis.js';
import { until } from '../support/until.js';

const ours = new Authority();
const others = new Authority('Another authority');
const { cert: ca } = ours;
const client = ours.issue('a client');

let tls: TlsRedis;
let plain: Redis;

/** Publishes and consumes, and stops while a handler runs. */
async function works(redis: RedisOptions): Promise<void> {
  let finish!: () => void;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const stream = `s${Math.random()}`;
  let running = 0;
  const handle = async (): Promise<void> => {
    if (++running === 6) await finished;
  };
  const consumer = await RecordingConsumer.start({ redis, streams: [stream], handle });
  await consumer.publish(stream, 6);
  await until('all but one are handled', () => running === 6 && consumer.handled.length === 5);
  const closed = consumer.close();
  finish();
  await closed;
  expect(consumer.ids(stream)).toHaveLength(6);
  expect(consumer.of('disconnected')).toEqual([]);
  expect(consumer.of('worker-error')).toEqual([]);
  expect(await plain.xpending(stream, 'g')).toEqual([0, null, null, null]);
}

/** What a consumer that cannot connect rejects with. */
async function refusal(redis: RedisOptions): Promise<unknown> {
  const options = { ...redis, connectTimeout: 400 };
  const consumer = new RecordingConsumer({ redis: options, streams: ['s'] });
  const error: unknown = await consumer.start().catch((reason: unknown) => reason);
  await consumer.close();
  return error;
}

describe.skipIf(!hasTls())('TLS (needs a redis-server that was built with it)', () => {
  beforeAll(async () => {
    tls = await startTlsRedis(ours.issue('localhost'), ca, { args: ['--tls-auth-clients', 'no'] });
    plain = new Redis(tls.server.url);
  });
  afterAll(async () => {
    plain.disconnect();
    await tls.stop();
  });

  const at = (host = 'localhost') => ({ host, port: tls.port });
  const url = () => `rediss://localhost:${tls.port}`;

  describe('with a private authority', () => {
    it('publishes, consumes and stops', () => works({ ...at(), tls: { ca } }));

    it('by a rediss:// url', () => works({ url: url(), tls: { ca } }));

    it('at an address that is not in the certificate, by the name that is', () =>
      works({ ...at('127.0.0.1'), tls: { ca, servername: 'localhost' } }));

    it.each([
      ['of an authority that is not known', () => ({ url: url() }), /set tls\.ca/],
      ['of another authority', () => ({ ...at(), tls: { ca: others.cert } }), /set tls\.ca/],
      [
        'for another name',
        () => ({ ...at(), tls: { ca, servername: 'redis.example' } }),
        /set tls\.servername/,
      ],
      [
        'from a port that does not speak TLS',
        () => ({ url: `rediss://localhost:${tls.server.port}` }),
        /does not speak TLS/,
      ],
    ])('refuses a certificate %s, and says what to do', async (_, redis, advice) => {
      const error = await refusal(redis());
      expect(error).toBeInstanceOf(TlsConnectionError);
      expect(error).toMatchObject({ code: 'TLS_CONNECTION', outcome: 'not-sent' });
      expect((error as Error).message).toMatch(advice);
    });

    it('refuses a certificate that has expired', async () => {
      const expired = await startTlsRedis(ours.issue('localhost', { expiresIn: -1000 }), ca);
      const error = await refusal({ host: 'localhost', port: expired.port, tls: { ca } });
      expect(error).toBeInstanceOf(TlsConnectionError);
      expect((error as Error).message).toMatch(/expired.*renew it/);
      await expired.stop();
    });
  });

  describe('with certificates of clients', () => {
    beforeAll(() => plain.config('SET', 'tls-auth-clients', 'yes'));

    it('publishes, consumes and stops', () => works({ ...at(), tls: { ca, ...client } }));

    it.each([
      ['none', {}],
      ['one of another authority', others.issue('a client')],
    ])('says what to do when the server refuses %s', async (_, certificate) => {
      const error = await refusal({ ...at(), tls: { ca, ...certificate } });
      expect(error).toBeInstanceOf(TlsConnectionError);
      expect((error as Error).message).toMatch(/set tls\.cert and tls\.key/);
    });
  });

  it('asks the sentinels and the master that they name', async () => {
    const config = [
      `sentinel monitor tls-master 127.0.0.1 ${tls.port} 1`,
      'tls-replication yes',
      '',
    ].join('\n');
    const sentinel = await startTlsRedis(ours.issue('localhost'), ca, {
      args: ['--sentinel'],
      config,
    });
    const settings = { ca, ...client, servername: 'localhost' };
    const sentinels = [{ host: 'localhost', port: sentinel.port }];
    await works({ sentinels, name: 'tls-master', sentinelTls: settings, tls: settings });
    await sentinel.stop();
  });
});

it('a server without TLS that is asked without is not suspected of it', async () => {
  const server = await startRedis();
  await server.kill();
  const error = await refusal({ port: server.port });
  expect(error).toMatchObject({ code: 'REDIS_CONNECTION' });
  await server.stop();
});
