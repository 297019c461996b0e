import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { getSourceToken, StreamsTransport } from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/testing';
import { expect, it, onTestFinished, vi } from 'vitest';
import { AppModule } from '../../sample/docs/writing-a-middleware/app.module.js';

it('the middleware skips what is retired, and hands on all else', async () => {
  const kit = new StreamsTestKit();
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(getSourceToken())
    .useValue(kit.source)
    .compile();
  module.useLogger(false);
  const log = vi.spyOn(Logger.prototype, 'log');
  const app = module.createNestMicroservice({ strategy: module.get(StreamsTransport) });
  onTestFinished(() => app.close());
  await app.listen();
  const order = (orderId: string) => ({ orderId, customerId: 'c-1', total: 1 });
  await kit.publish('order.placed', order('o-1'), { metadata: { retired: 'yes' } });
  await kit.publish('order.placed', order('o-2'));
  await kit.idle();
  expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['handled', 'handled']);
  const lines = log.mock.calls.map(([line]) => String(line));
  expect(lines.filter((line) => line.startsWith('a bill'))).toEqual(['a bill for o-2']);
});
