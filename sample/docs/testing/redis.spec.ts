import { randomUUID } from 'node:crypto';
import { Test } from '@nestjs/testing';
import {
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamPublisher,
  type SettledEvent,
} from 'nestjs-redis-streams';
import { expect, test } from 'vitest';
import { Warehouse } from '../shop/warehouse.js';
import { OrderController } from './order.controller.js';

test('reserves an order that waits in Redis', async () => {
  const module = await Test.createTestingModule({
    imports: [
      RedisStreamsModule.forRoot({
        url: process.env.REDIS_URL,
        keyPrefix: `test:${randomUUID()}:`,
        group: 'test',
      }),
    ],
    controllers: [OrderController],
    providers: [Warehouse],
  }).compile();
  const transport = module.get(RedisStreamsTransport);
  const settled = new Promise<SettledEvent>((resolve) => {
    transport.on('settled', resolve);
  });
  const app = module.createNestMicroservice({ strategy: transport });
  await app.listen();

  const order = { orderId: 'o-1', customerId: 'c-1', total: 4_200 };
  await app.get(StreamPublisher).publish('order.placed', order);
  expect(await settled).toMatchObject({ outcome: 'handled', attempt: 1 });
  await app.close();
});
