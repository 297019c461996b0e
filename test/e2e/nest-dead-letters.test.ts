import { Controller } from '@nestjs/common';
import {
  fanOut,
  HeldMessages,
  next,
  StreamConsumers,
  StreamContext,
  StreamHandler,
  StreamsClient,
} from 'nestjs-redis-streams';
import type { DeadLetterStrategy } from 'nestjs-redis-streams/driver';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import { startApp } from '../support/nest-app.js';

const STRATEGIES: [string, DeadLetterStrategy][] = [
  ['dropped', 'drop'],
  ['held', 'hold'],
  ['forwarded', { forward: 'elsewhere' }],
  ['dead-lettered', () => 'queue'],
];

it.each(STRATEGIES)(
  'a step that was %s has failed, and its hook runs',
  async (outcome, deadLetter) => {
    const failures: unknown[] = [];
    @Controller()
    class Steps {
      @StreamHandler('first')
      first(): unknown {
        return next('second', { n: 1 }, { onFailure: 'undo' });
      }
      @StreamHandler('second', { maxDeliveries: 1, deadLetter })
      second(): never {
        throw new Error('no');
      }
      @StreamHandler('undo')
      undo(@Payload() failure: { event: string; reason: string }): void {
        failures.push([failure.event, failure.reason]);
      }
    }
    const { publish, kit } = await startApp({ controllers: [Steps] });
    await publish('first', {});
    await kit.idle();
    expect(failures).toEqual([['second', 'max-deliveries']]);
    expect(kit.settled.map((event) => event.outcome)).toContain(outcome);
  },
);

it('a forwarded step takes no part in its workflow: its branch has failed once', async () => {
  const seen: unknown[] = [];
  @Controller()
  class Steps {
    @StreamHandler('first')
    first(): unknown {
      return fanOut([next('part', 1), next('part', 2)], { join: 'joined', partial: true });
    }
    @StreamHandler('part', { maxDeliveries: 1, deadLetter: { forward: 'parts.failed' } })
    part(@Payload() n: number): number {
      if (n === 2) throw new Error('two');
      return n;
    }
    @StreamHandler('part', { streams: ['parts.failed'] })
    failed(@Payload() n: number, @Ctx() context: StreamContext): string {
      seen.push([n, context.metadata['workflow'], context.metadata['dead-letter-hops']]);
      return 'mended';
    }
    @StreamHandler('joined')
    joined(@Payload() { results }: { results: unknown[] }): void {
      seen.push(results.length, JSON.stringify(results).includes('mended'));
    }
  }
  const { publish, kit } = await startApp({ controllers: [Steps] });
  await publish('first', {});
  await kit.idle();
  expect(seen).toHaveLength(3);
  expect(seen).toContainEqual([2, undefined, '1']);
  expect(seen).toContain(2);
  expect(seen).toContain(false);
});

it('the caller of a request gets the error, with every strategy', async () => {
  @Controller()
  class Sums {
    @MessagePattern('sum')
    sum(): never {
      throw new Error('no sum');
    }
  }
  for (const deadLetter of ['drop', 'hold'] as const) {
    const { app, kit } = await startApp({ controllers: [Sums], options: { deadLetter } });
    const asked = firstValueFrom(app.get(StreamsClient).send('sum', [])).catch(
      (error: { message: string }) => error.message,
    );
    await kit.idle();
    expect(await asked).toMatch(/no sum|Internal server error/);
    expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['failed']);
  }
});

it('a consumer without a controller has a strategy of its own, and an operator releases', async () => {
  const { app, kit } = await startApp({});
  let broken = true;
  const consumer = app
    .get(StreamConsumers)
    .create({ stream: 'orders', group: 'billing', maxDeliveries: 1, deadLetter: 'hold' });
  const got: number[] = [];
  await consumer.start(async (_, { attempt }) => {
    got.push(attempt);
    if (broken) throw new Error('no');
    return true;
  });
  const id = await kit.publish('order.paid', { total: 7 }, { stream: 'orders' });
  await kit.advance(120_000);
  expect(got).toEqual([1]);
  const held = app.get(HeldMessages);
  const { items } = await held.list('orders', 'billing');
  expect(items).toMatchObject([{ id, payload: { total: 7 }, attempts: 1 }]);
  broken = false;
  expect(await held.release('orders', { ids: [items[0]!.heldId] })).toBe(1);
  await kit.advance(10_000);
  expect(got).toEqual([1, 1]);
  expect((await held.list('orders', 'billing')).items).toEqual([]);
  await consumer.close();
});
