import type { INestMicroservice } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { getSourceToken, RedisStreamsTransport } from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Warehouse } from '../shop/warehouse.js';
import { AppModule } from './app.module.js';
import { Checkout } from './checkout.js';

const reserve = vi.fn<Warehouse['reserve']>();
let kit: StreamsTestKit;
let app: INestMicroservice;

beforeEach(async () => {
  kit = new StreamsTestKit();
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(getSourceToken())
    .useValue(kit.source)
    .overrideProvider(Warehouse)
    .useValue({ reserve })
    .compile();
  app = module.createNestMicroservice({
    strategy: module.get(RedisStreamsTransport),
  });
  await app.listen();
});
afterEach(() => app.close());

test('an order that is bought is reserved', async () => {
  await app.get(Checkout).buy({
    orderId: 'o-1',
    customerId: 'c-1',
    total: 4_200,
  });
  await kit.idle();
  expect(reserve).toHaveBeenCalledWith('o-1');
  expect(kit.settled).toMatchObject([
    { group: 'order-service', outcome: 'handled' },
  ]);
});
