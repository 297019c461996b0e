import { Controller } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  DeadLetters,
  RedisStreamsModule,
  StreamHandler,
  StreamPublisher,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/testing';
import { onTestFinished, expect, it, vi } from 'vitest';
import { Bank, type Answer } from '../../sample/docs/retries/bank.js';
import { DeadLetterAlarm } from '../../sample/docs/retries/alarm.js';
import { DeadOrders } from '../../sample/docs/retries/dead-orders.service.js';
import { OrderController } from '../../sample/docs/retries/order.controller.js';
import { PaymentController } from '../../sample/docs/retries/payment.controller.js';
import { Warehouse } from '../../sample/docs/retries/warehouse.js';
import { startRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';

const ORDER = { orderId: 'o-1', customerId: 'c-1', total: 100 };
const reserve = vi.fn<(orderId: string) => Promise<string>>();
const collect = vi.fn<() => Promise<Answer>>();

async function start() {
  const kit = new StreamsTestKit();
  const module = await Test.createTestingModule({
    imports: [StreamsModule.forRoot({ slots: kit.slots, group: 'test' })],
    controllers: [OrderController, PaymentController],
    providers: [
      { provide: Warehouse, useValue: { reserve } },
      { provide: Bank, useValue: { collect } },
      DeadOrders,
      DeadLetterAlarm,
    ],
  }).compile();
  module.useLogger(false);
  const app = module.createNestMicroservice({ strategy: module.get(StreamsTransport) });
  onTestFinished(() => app.close());
  await app.listen();
  return { kit, dead: app.get(DeadOrders), letters: app.get(DeadLetters) };
}

it('a handler that throws runs four times, and its message is then found, redriven and purged', async () => {
  const { kit, dead, letters } = await start();
  reserve.mockReset().mockRejectedValue(new TypeError('broken'));
  await kit.publish('order.placed', ORDER);
  await kit.idle();
  for (const [wait, runs] of [
    [2_000, 2],
    [4_000, 3],
    [8_000, 4],
  ] as const) {
    await kit.advance(wait);
    await kit.idle();
    expect(reserve).toHaveBeenCalledTimes(runs);
  }
  expect(await dead.all()).toMatchObject([
    { reason: 'max-deliveries', attempts: 4, eventType: 'order.placed', payload: ORDER },
  ]);

  reserve.mockResolvedValue('reserved');
  expect(await letters.redrive('order.placed', { ids: [] })).toBe(0);
  expect(await dead.redriveBroken()).toBe(1);
  await kit.advance(5_000); // reclaimInterval
  await kit.idle();
  expect(kit.settled.at(-1)).toMatchObject({ outcome: 'handled', attempt: 1 });

  expect(await letters.list('order.placed')).toEqual({ items: [] });
  expect(await dead.purge('test')).toBe(0);
});

it.each([
  { answer: { status: 'collected' }, outcome: 'handled', reason: undefined },
  { answer: { status: 'busy', retryAfterMs: 700 }, outcome: 'retried', reason: undefined },
  { answer: { status: 'closed' }, outcome: 'dead-lettered', reason: 'unrecoverable' },
  { answer: { status: 'suspicious' }, outcome: 'dead-lettered', reason: 'needs-review' },
] as const)('the bank answers $answer.status: $outcome', async ({ answer, outcome, reason }) => {
  const { kit } = await start();
  collect.mockReset().mockResolvedValue(answer);
  await kit.publish('order.paid', ORDER);
  await kit.idle();
  expect(kit.settled.at(-1)).toMatchObject({ outcome });
  expect((await kit.deadLetters()).map((letter) => letter.reason)).toEqual(reason ? [reason] : []);
});

it('a program of its own hands a message back, and the service runs it', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  vi.stubEnv('REDIS_URL', server.url);
  const log = vi.spyOn(console, 'log').mockReturnValue();
  onTestFinished(() => {
    log.mockRestore();
    vi.unstubAllEnvs();
  });
  const outcomes: string[] = [];

  @Controller()
  class BrokenController {
    @StreamHandler('order.placed', { maxDeliveries: 1 })
    reserve(): void {
      if (outcomes.length === 0) throw new TypeError('broken');
    }
  }
  const options = { url: server.url, group: 'test', reclaimInterval: 50 };
  const module = await Test.createTestingModule({
    imports: [RedisStreamsModule.forRoot(options)],
    controllers: [BrokenController],
  }).compile();
  module.useLogger(false);
  const transport = module.get(StreamsTransport);
  transport.on('settled', ({ outcome }) => outcomes.push(outcome));
  const app = module.createNestMicroservice({ strategy: transport });
  onTestFinished(() => app.close());
  await app.listen();
  await app.get(StreamPublisher).publish('order.placed', ORDER);
  await until('it is dead', () => outcomes.length === 1);

  await import('../../sample/docs/retries/redrive.js');
  expect(log.mock.calls.flat()).toContain('redriven: 1');
  await until('it has run again', () => outcomes.length === 2);
  expect(outcomes).toEqual(['dead-lettered', 'handled']);
});
