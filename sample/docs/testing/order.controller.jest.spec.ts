import type { INestMicroservice } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { StreamsModule, StreamsTransport } from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/testing';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Warehouse } from '../shop/warehouse.js';
import { OrderController } from './order.controller.js';

// #region mocks
const order = { orderId: 'o-1', customerId: 'c-1', total: 4_200 };
const reserve = jest.fn<Warehouse['reserve']>();
// #endregion
let kit: StreamsTestKit;
let app: INestMicroservice;

beforeEach(async () => {
  kit = new StreamsTestKit();
  reserve.mockReset().mockResolvedValue('reserved');
  const module = await Test.createTestingModule({
    imports: [StreamsModule.forRoot({ slots: kit.slots, group: 'test' })],
    controllers: [OrderController],
    providers: [{ provide: Warehouse, useValue: { reserve } }],
  }).compile();
  module.useLogger(false);
  app = module.createNestMicroservice({
    strategy: module.get(StreamsTransport),
  });
  await app.listen();
});
afterEach(() => app.close());

test('reserves an order', async () => {
  await kit.publish('order.placed', order);
  await kit.idle();
  expect(reserve).toHaveBeenCalledWith('o-1');
});

test('tries again after the backoff, and then gives up', async () => {
  reserve.mockRejectedValue(new Error('busy'));
  await kit.publish('order.placed', order);
  await kit.idle();
  expect(reserve).toHaveBeenCalledTimes(1);

  await kit.advance(1_000);
  await kit.idle();
  expect(reserve).toHaveBeenCalledTimes(2);
  expect(await kit.deadLetters()).toMatchObject([
    { reason: 'max-deliveries', payload: order },
  ]);
});
