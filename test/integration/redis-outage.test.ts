import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RedisConnectionError } from '../../lib/drivers/redis/errors/redis-connection.errors.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

const COMMAND_TIMEOUT = 300;
const SLACK = 700;

let server: RedisServer;
let proxy: Proxy;
let consumer: RecordingConsumer;
beforeEach(async () => {
  server = await startRedis();
  proxy = await startProxy(server.port);
  consumer = new RecordingConsumer({
    redis: { url: proxy.url, commandTimeout: COMMAND_TIMEOUT },
    streams: ['s'],
  });
});
afterEach(async () => {
  await consumer.close();
  await proxy.close();
  await server.stop();
});

/** The error that publishing fails with, and how long that took. */
async function refusal(): Promise<{ error: unknown; after: number }> {
  const began = performance.now();
  const error: unknown = await consumer.publish('s').then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { error, after: performance.now() - began };
}

describe('publishing', () => {
  it('fails in time as not sent while Redis is down', async () => {
    consumer = new RecordingConsumer({
      redis: { url: server.url, commandTimeout: COMMAND_TIMEOUT },
      streams: ['s'],
    });
    await consumer.publish('s');
    await server.kill();
    await until('the loss is noticed', () => consumer.of('disconnected').length > 0);
    const { error, after } = await refusal();
    expect(error).toBeInstanceOf(RedisConnectionError);
    expect(error).toMatchObject({ outcome: 'not-sent', code: 'REDIS_CONNECTION' });
    expect(String(error)).toContain('ECONNREFUSED');
    expect(after).toBeLessThan(COMMAND_TIMEOUT + SLACK);
    await server.start();
    await until('publishing works again', async () => (await refusal()).error === undefined);
  });

  it('fails in time with an unknown outcome on a connection that went silent', async () => {
    await consumer.publish('s');
    proxy.stall();
    const { error, after } = await refusal();
    expect(error).toBeInstanceOf(RedisConnectionError);
    expect(error).toMatchObject({ outcome: 'unknown' });
    expect(after).toBeLessThan(COMMAND_TIMEOUT + SLACK);
    proxy.resume();
    await until('publishing works again', async () => (await refusal()).error === undefined);
  });

  it('fails in time as not sent where every new connection is silent', async () => {
    await consumer.publish('s');
    proxy.stall();
    await refusal();
    const { error, after } = await refusal();
    expect(error).toMatchObject({ outcome: 'not-sent' });
    expect(after).toBeLessThan(COMMAND_TIMEOUT + SLACK);
  });

  it('has an unknown outcome when the connection is cut before the reply', async () => {
    await consumer.publish('s');
    await until('it is connected', () => consumer.runtime.driver.unwrap?.() !== undefined);
    server.freeze();
    const refused = refusal();
    setImmediate(() => proxy.cut());
    expect((await refused).error).toMatchObject({ outcome: 'unknown' });
    server.thaw();
  });
});

describe('starting', () => {
  it('fails in time, and says why, where no server listens', async () => {
    await server.kill();
    const started = Date.now();
    const failing = new RecordingConsumer({
      redis: { url: server.url, connectTimeout: 500 },
      streams: ['s'],
    });
    await expect(failing.start()).rejects.toThrow(/ECONNREFUSED/);
    expect(Date.now() - started).toBeLessThan(500 + SLACK);
    await failing.close();
  });

  it('fails where the database does not exist, instead of using another one', async () => {
    const failing = new RecordingConsumer({
      redis: { host: '127.0.0.1', port: server.port, db: 99, connectTimeout: 300 },
      streams: ['s'],
    });
    await expect(failing.start()).rejects.toThrow(/DB index is out of range/);
    await failing.close();
  });
});

describe('stopping', () => {
  it('ends in time while Redis is down', async () => {
    await consumer.start();
    await server.kill();
    await until('the loss is noticed', () => consumer.of('disconnected').length === 2);
    const began = performance.now();
    await consumer.close();
    expect(performance.now() - began).toBeLessThan(COMMAND_TIMEOUT + SLACK);
  });

  it('ends in time when the connection has gone silent', async () => {
    await consumer.start();
    proxy.stall();
    const began = performance.now();
    await consumer.close();
    expect(performance.now() - began).toBeLessThan(2 * COMMAND_TIMEOUT + 2000 + SLACK);
  });
});
