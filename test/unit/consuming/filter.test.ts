import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import {
  fanOut,
  next,
  StreamContext,
  StreamConsumers,
  StreamHandler,
  Workflows,
  type Message,
} from 'nestjs-redis-streams';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InvalidOptionsError } from '../../../lib/core/errors/start-up.errors.js';
import type { HandlerOptions } from '../../../lib/options/handler-options.js';
import { World } from '../../support/engine.js';
import { startApp } from '../../support/nest-app.js';

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.close());

/** Filters by a flag of the payload. */
const wanted = ({ payload }: Message): boolean => (payload as { wanted: boolean }).wanted;

/** A handler that keeps the numbers of its messages. */
async function filtering(options: HandlerOptions, fail?: (n: number, attempt: number) => boolean) {
  const runs: number[] = [];
  const app = await world.start([
    {
      events: ['x'],
      options,
      invoke: ({ message, attempt }) => {
        const { n } = message.payload as { n: number };
        runs.push(n);
        if (fail?.(n, attempt)) throw new Error('no');
      },
    },
  ]);
  const publish = (n: number, isWanted: boolean, more: object = {}) =>
    app.publish('x', { n, wanted: isWanted, ...more });
  return { ...app, publish, runs };
}

describe('the option filter', () => {
  it('runs the messages that it accepts, and acknowledges the others as filtered', async () => {
    const app = await filtering({ filter: wanted });
    const told: unknown[] = [];
    app.runtime.events.on('event-filtered', (event) => told.push(event));
    await app.publish(1, true);
    await app.publish(2, false);
    expect(app.runs).toEqual([1]);
    expect(app.settled).toMatchObject([
      { outcome: 'handled', handler: 'H.h0' },
      { outcome: 'filtered', handler: 'H.h0', eventType: 'x' },
    ]);
    expect(told).toEqual([]);
    const [report] = await app.runtime.driver.groups!.describe(['x']);
    expect(report).toMatchObject({ groups: [{ pending: 0 }] });
  });

  it('fails the run where it throws, up to the dead letter', async () => {
    const filter = vi.fn<() => boolean>(() => {
      throw new Error('no such field');
    });
    const app = await filtering({ filter, maxDeliveries: 2 });
    await app.publish(1, true);
    await world.clock.advance(1000);
    expect(filter).toHaveBeenCalledTimes(2);
    expect(app.runs).toEqual([]);
    const error = expect.objectContaining({ message: 'no such field' }) as object;
    expect(app.settled).toMatchObject([
      { outcome: 'retried', attempt: 1, error },
      { outcome: 'dead-lettered', attempt: 2, reason: 'max-deliveries', error },
    ]);
  });

  it.each([
    ['a promise', async () => false],
    ['a promise that rejects', () => Promise.reject(new Error('late'))],
    ['undefined', () => undefined],
    ['a text', () => 'false'],
    ['a number', () => 0],
  ])('fails the run where it returns %s', async (_, filter) => {
    const app = await filtering({ filter: filter as never, maxDeliveries: 1 });
    await app.publish(1, true);
    expect(app.runs).toEqual([]);
    expect(app.settled).toMatchObject([
      {
        outcome: 'dead-lettered',
        error: {
          name: 'InvalidFilterResultError',
          message: expect.stringMatching(
            /filter of H\.h0 must return true or false, not /,
          ) as string,
        },
      },
    ]);
  });

  it('sees retries again, and may then refuse them', async () => {
    let open = true;
    const app = await filtering({ filter: () => open }, () => true);
    await app.publish(1, true);
    open = false;
    await world.clock.advance(1000);
    expect(app.outcomes()).toEqual(['retried', 'filtered']);
    expect(app.runs).toEqual([1]);
  });

  it('leaves the key of a filtered message to the next message', async () => {
    const key = ({ payload }: Message) => (payload as { order: string }).order;
    const app = await filtering({ filter: wanted, dedupe: { key } });
    await app.publish(1, false, { order: 'a' });
    await app.publish(2, true, { order: 'a' });
    await app.publish(3, true, { order: 'a' });
    expect(app.outcomes()).toEqual(['filtered', 'handled', 'duplicate']);
    expect(app.runs).toEqual([2]);
  });

  it('leaves no note of a filtered message in an inbox', async () => {
    const key = ({ payload }: Message) => (payload as { order: string }).order;
    const app = await filtering({ filter: wanted, inbox: { key } });
    await app.publish(1, false, { order: 'a' });
    await app.publish(2, true, { order: 'a' });
    expect(app.outcomes()).toEqual(['filtered', 'handled']);
  });

  it('keeps the order of a key', async () => {
    const app = await filtering(
      { filter: wanted, orderBy: 'customer' },
      (n, attempt) => n === 1 && attempt === 1,
    );
    await app.publish(1, true, { customer: 'a' });
    await app.publish(2, false, { customer: 'a' });
    await app.publish(3, true, { customer: 'a' });
    expect(app.outcomes()).toEqual(['retried']);
    await world.clock.advance(1000);
    expect(app.outcomes()).toEqual(['retried', 'handled', 'filtered', 'handled']);
    expect(app.runs).toEqual([1, 1, 3]);
  });

  it('filters before a batch is collected, and a failure concerns its message alone', async () => {
    const batches: unknown[][] = [];
    const app = await world.start([
      {
        events: ['x'],
        options: {
          batch: { size: 2, maxWait: 500 },
          maxDeliveries: 1,
          filter: ({ payload }) => {
            if (payload === 3) throw new Error('no');
            return payload !== 2;
          },
        },
        invoke: () => expect.unreachable(),
        invokeBatch: async (items) => {
          batches.push(items.map(({ delivery }) => delivery.message.payload));
        },
      },
    ]);
    for (const n of [1, 2, 3]) await app.publish('x', n);
    expect(app.outcomes()).toEqual(['filtered', 'dead-lettered']);
    await app.publish('x', 4);
    expect(batches).toEqual([[1, 4]]);
    expect(app.outcomes()).toEqual(['filtered', 'dead-lettered', 'handled', 'handled']);
  });

  it('is not asked, nor the application’s middleware, before the message is decoded', async () => {
    const seen: string[] = [];
    const app = await world.start(
      [
        {
          events: ['x'],
          options: { filter: ({ payload }) => (seen.push(`filter ${payload as number}`), false) },
          invoke: () => expect.unreachable(),
        },
      ],
      { middleware: [(delivery, next) => (seen.push('middleware'), next(delivery))] },
    );
    await app.publish('x', 1);
    expect(seen).toEqual(['filter 1']);
  });

  it('is refused where it is no function', async () => {
    const starting = world.start([
      { events: ['x'], options: { filter: 'payload.total' as never }, invoke: () => undefined },
    ]);
    await expect(starting).rejects.toThrow(InvalidOptionsError);
    await expect(starting).rejects.toThrow(/filter must be a function of the message/);
  });
});

describe('the option filter in an application', () => {
  it('ends a step without a result: its join gets null, and does not wait', async () => {
    const joined: unknown[] = [];
    let id = '';
    @Controller()
    class Steps {
      @StreamHandler('first')
      first(_: unknown, @Ctx() context: StreamContext) {
        id = context.workflow.id;
        return fanOut([next('branch', 1), next('branch', 2), next('branch', 3)], { join: 'all' });
      }

      @StreamHandler<number>('branch', { filter: ({ payload }) => payload !== 2 })
      branch(@Payload() n: number) {
        return n * 10;
      }

      @StreamHandler('all')
      all(@Payload() payload: unknown) {
        joined.push(payload);
      }
    }
    const { publish, kit, app } = await startApp({ controllers: [Steps] });
    await publish('first', {});
    await kit.idle();
    expect(joined).toEqual([{ results: [10, null, 30] }]);
    expect(kit.settled.map(({ outcome }) => outcome)).toContain('filtered');
    const workflow = await app.get(Workflows).get(id);
    expect(workflow?.status).toBe('completed');
    expect(workflow?.steps.map(({ status }) => status).toSorted()).toEqual([
      'completed',
      'completed',
      'completed',
      'completed',
      'filtered',
    ]);
  });

  it('completes a workflow whose last step is filtered', async () => {
    let id = '';
    @Controller()
    class Steps {
      @StreamHandler('first')
      first(_: unknown, @Ctx() context: StreamContext) {
        id = context.workflow.id;
        return next('branch', 2);
      }

      @StreamHandler('branch', { filter: () => false })
      branch() {}
    }
    const { publish, app } = await startApp({ controllers: [Steps] });
    await publish('first', {});
    expect(await app.get(Workflows).get(id)).toMatchObject({
      status: 'completed',
      steps: [{ status: 'completed' }, { status: 'filtered', attempts: 1 }],
    });
  });

  it('is an option of consumers', async () => {
    const { app, kit, publish } = await startApp({});
    const seen: number[] = [];
    const consumer = app.get(StreamConsumers).create<Record<string, number>>({
      stream: 'orders',
      filter: ({ payload }) => payload > 1,
    });
    await consumer.start(({ payload }) => seen.push(payload) > 0);
    for (const n of [1, 2]) await publish('order.paid', n, { stream: 'orders' });
    expect(seen).toEqual([2]);
    expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['filtered', 'handled']);
    expect(await consumer.getPending()).toEqual([]);
  });

  it('is refused for methods that answer requests', async () => {
    @Controller()
    class Answers {
      @MessagePattern('x', { filter: () => true })
      answer() {}
    }
    await expect(startApp({ controllers: [Answers] })).rejects.toThrow(
      /filter is for events; what answers requests cannot have it/,
    );
  });
});
