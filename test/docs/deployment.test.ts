import { Test } from '@nestjs/testing';
import { RedisStreamsModule, StreamPublisher, StreamsTransport } from 'nestjs-redis-streams';
import { expect, it, onTestFinished } from 'vitest';
import { CarefulCheckout } from '../../sample/docs/deployment/careful-checkout.js';
import { ClusterModule } from '../../sample/docs/deployment/cluster.module.js';
import { SentinelModule } from '../../sample/docs/deployment/sentinel.module.js';
import { startRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';

it.each([SentinelModule, ClusterModule])(
  '%o has options that are accepted; it connects when it listens',
  async (Imported) => {
    const module = await Test.createTestingModule({ imports: [Imported] }).compile();
    expect(module.get(StreamsTransport)).toBeInstanceOf(StreamsTransport);
    await module.close();
  },
);

it('a publication that waits for a replica says whether it has the message', async () => {
  const master = await startRedis();
  onTestFinished(() => master.stop());
  const { url } = master;
  const streams = RedisStreamsModule.forRoot({ url, group: 'shop', commandTimeout: 1_000 });
  const module = await Test.createTestingModule({
    imports: [streams],
    providers: [CarefulCheckout],
  }).compile();
  onTestFinished(() => module.close());
  const checkout = module.get(CarefulCheckout);
  const order = { orderId: 'o-1', customerId: 'c-1', total: 1 };
  expect(await checkout.place(order)).toBe('stored');

  const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(master.port)] });
  onTestFinished(() => replica.stop());
  await until('the replica follows', async () => (await checkout.place(order)) === 'replicated');
  const publisher = module.get(StreamPublisher);
  const same = { idempotencyKey: order.orderId };
  const ids = [await publisher.publish('order.placed', order, same)];
  ids.push(await publisher.publish('order.placed', order, same));
  expect(ids[0]).toBe(ids[1]);
});
