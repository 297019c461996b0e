import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { StreamPublisher } from 'nestjs-redis-streams';
import { expect, it, onTestFinished, vi } from 'vitest';
import { StreamSizes } from '../../sample/docs/retention/stream-sizes.js';
import { createApp } from '../support/nest-app.js';
import { startRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';

const DAY = 86_400_000;

it('what is settled is deleted by the policy of its stream, and a report names what holds it', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const redis = new Redis(server.url);
  onTestFinished(() => redis.disconnect());
  vi.stubEnv('REDIS_URL', server.url);
  Logger.overrideLogger(false);
  const { AppModule } = await import('../../sample/docs/retention/app.module.js');
  const app = await createApp(AppModule);
  onTestFinished(() => app.close());
  const [publisher, sizes] = [app.get(StreamPublisher), app.get(StreamSizes)];

  const paid = JSON.stringify({ orderId: 'o-1', customerId: 'c-1', total: 1 });
  for (const age of [31 * DAY, 29 * DAY]) {
    const fields = ['event_type', 'order.paid', 'payload', paid];
    await redis.xadd('order.paid', `${Date.now() - age}-0`, ...fields);
  }
  const mail = (to: string) => publisher.publish('email.send', { to, template: 'thanks' });
  for (const to of ['a@shop', 'b@shop']) await mail(to);
  expect(await sizes.describe('email.send')).toMatch(/^2 entries, \d+ bytes, no group$/);
  expect(await redis.xlen('order.paid')).toBe(2);

  await app.listen();
  await until('mails are deleted', async () => (await redis.xlen('email.send')) === 0);
  await until('the old order is deleted', async () => (await redis.xlen('order.paid')) === 1);

  const pending = await mail('nowhere');
  await mail('c@shop');
  const settled = async (): Promise<boolean> => {
    const [waiting, first] = (await redis.xpending('email.send', 'mail')) as [number, string];
    return waiting === 1 && first === pending;
  };
  await until('the last mail is acknowledged', settled);
  expect(await sizes.describe('email.send')).toMatch(
    new RegExp(`^[12] entries, \\d+ bytes; held by mail at ${pending} \\(pending\\)$`),
  );
});
