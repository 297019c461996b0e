import { Controller, Logger } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import {
  RedisStreamsModule,
  StreamHandler,
  StreamPublisher,
  StreamsTransport,
  type SettledEvent,
} from 'nestjs-redis-streams';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Members } from '../../sample/docs/rolling-deploys/members.js';
import type { Order } from '../../sample/docs/shop/orders.js';
import { appModule, createApp } from '../support/nest-app.js';
import { startRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';

@Controller()
class OldBillingController {
  @StreamHandler('order.paid')
  paid(@Payload() order: Order): string {
    return order.orderId;
  }
}

it('an old process hands the events of the new version over to a new process', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  vi.stubEnv('REDIS_URL', server.url);
  const { AppModule } = await import('../../sample/docs/rolling-deploys/app.module.js');
  const routes = [{ events: 'order.*', stream: 'orders' }];
  const old = await createApp(
    appModule({
      imports: [RedisStreamsModule.forRoot({ url: server.url, group: 'billing', routes })],
      controllers: [OldBillingController],
    }),
  );
  onTestFinished(() => old.close());
  const settled: SettledEvent[] = [];
  old.get(StreamsTransport).on('settled', (event) => settled.push(event));
  await old.listen();
  const app = await createApp(AppModule);
  onTestFinished(() => app.close());
  await app.listen();
  const log = vi.spyOn(Logger.prototype, 'log');

  const publisher = app.get(StreamPublisher);
  let published = 0;
  await until('the old process has got some', async () => {
    await publisher.publish('order.shipped', { orderId: `o-${++published}`, parcel: 'p' });
    return settled.length >= 3;
  });
  const shipped = (): number =>
    log.mock.calls.filter(([line]) => String(line).endsWith('is shipped')).length;
  await until('the new process has handled all', () => shipped() === published);
  const outcomes = new Set(settled.map(({ outcome }) => outcome));
  expect(outcomes).toEqual(new Set(['handed-over']));

  const members = app.get(Members);
  expect(await members.thatHandle('order.paid')).toHaveLength(2);
  expect(await members.thatHandle('order.shipped')).toHaveLength(1);
});
