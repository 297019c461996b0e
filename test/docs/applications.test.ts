import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { getStreamsToken, StreamPublisher, StreamsClient } from 'nestjs-redis-streams';
import { lastValueFrom } from 'rxjs';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startedMain } from '../support/started-main.js';
import { startRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';

const ORDER = { orderId: 'o-1', customerId: 'c-1', total: 4200 };
Logger.overrideLogger(false);

/** A server of its own, whose address the application finds in a variable. */
async function serverIn(variable: string): Promise<Redis> {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  vi.stubEnv(variable, server.url);
  const client = new Redis(server.url);
  onTestFinished(() => client.disconnect());
  return client;
}

it('a microservice takes its options from another provider, and publishes as it handles', async () => {
  const redis = await serverIn('REDIS_URL');
  const app = await startedMain(() => import('../../sample/docs/applications/main.js'));
  await app.get(StreamPublisher).publish('order.placed', ORDER);
  await until('it is shipped', async () => (await redis.xlen('order.shipped')) === 1);
});

it('a handler of the shop writes to the server of the audit, whose handler records', async () => {
  const [shop, audit] = [await serverIn('REDIS_URL'), await serverIn('AUDIT_REDIS_URL')];
  const app = await startedMain(() => import('../../sample/docs/applications/audited.main.js'));
  const log = vi.spyOn(Logger.prototype, 'log');
  const recorded = (): number => log.mock.calls.filter(([text]) => text === 'c-1 paid 4200').length;
  await app.get(StreamPublisher).publish('order.paid', ORDER);
  await until('it is recorded', () => recorded() === 1);
  expect([await shop.xlen('order.paid'), await audit.xlen('order.paid')]).toEqual([1, 1]);
  const client = app.get<StreamsClient>(getStreamsToken('audit', StreamsClient));
  await lastValueFrom(client.emit('order.paid', ORDER));
  await until('it is recorded, too', () => recorded() === 2);
  expect(await shop.xlen('order.paid')).toBe(1);
});

it('transport and client work without the module', async () => {
  const redis = await serverIn('REDIS_URL');
  const app = await startedMain(() => import('../../sample/docs/applications/bare.main.js'));
  await lastValueFrom(app.get<StreamsClient>('SHOP').emit('order.placed', ORDER));
  await until('it is shipped', async () => (await redis.xlen('order.shipped')) === 1);
});
