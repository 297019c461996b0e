import { Test } from '@nestjs/testing';
import { StreamsModule, StreamsTransport } from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/testing';
import { expect, it } from 'vitest';
import { PackingController } from './packing.controller.js';
import { Warehouse } from './warehouse.js';

it('an order that is worth too much is given up after three runs', async () => {
  const kit = new StreamsTestKit();
  const module = await Test.createTestingModule({
    imports: [StreamsModule.forRoot({ slots: kit.slots, group: 'test' })],
    controllers: [PackingController],
    providers: [Warehouse],
  }).compile();
  const app = module.createNestMicroservice({
    strategy: module.get(StreamsTransport),
  });
  await app.listen();

  const order = { orderId: 'o-1', customerId: 'ada', total: 500_000 };
  await kit.publish('order.placed', order);
  await kit.idle(); // the first run has failed
  await kit.advance(1_000);
  await kit.idle(); // the second one
  await kit.advance(2_000);
  await kit.idle(); // the third one, and no run is left

  const outcomes = kit.settled.map(({ outcome }) => outcome);
  expect(outcomes).toEqual(['retried', 'retried', 'dead-lettered']);
  expect(await kit.deadLetters()).toMatchObject([{ payload: order }]);
  await app.close();
});
