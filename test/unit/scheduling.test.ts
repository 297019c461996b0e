import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ack } from '../../lib/core/settlement.js';
import { jsonCodec } from '../../lib/core/codecs/json.codec.js';
import { systemClock } from '../../lib/core/clock.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { createScheduler, Scheduler } from '../../lib/delays/scheduler.js';
import { memory } from '../../lib/drivers/memory/index.js';
import type { DelayStore } from '../../lib/ports/delays.js';
import { World } from '../support/engine.js';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());

/** A consumer of `later`, and when it handled what. */
async function consumer() {
  const handled: [payload: unknown, at: number][] = [];
  const started = world.clock.now();
  const engine = await world.start([
    {
      events: ['later'],
      invoke: ({ message }) => handled.push([message.payload, world.clock.now() - started]),
    },
  ]);
  return { ...engine, handled };
}

describe('delayed messages', () => {
  it('are handled when they are due, to the millisecond', async () => {
    const { runtime, handled } = await consumer();
    const later = (payload: number, delay: number) =>
      runtime.producer.publish({ eventType: 'later', payload, delay });
    const ids = [await later(2, 5001), await later(1, 5000), await later(3, 3_600_000)];
    for (const id of ids) expect(id).toMatch(/^delayed-/);
    await world.clock.advance(4999);
    expect(handled).toEqual([]);
    await world.clock.advance(3_600_000);
    expect(handled).toEqual([
      [1, 5000],
      [2, 5001],
      [3, 3_600_000],
    ]);
  });

  it.each([-7_200_000, 7_200_000])(
    'are due in time where the time is set by %i ms',
    async (step) => {
      const { runtime, handled } = await consumer();
      await runtime.producer.publish({ eventType: 'later', payload: 'a', delay: 5000 });
      world.clock.stepWallTime(step);
      const deliverAt = world.clock.wallTime() + 6000;
      await runtime.producer.publish({ eventType: 'later', payload: 'b', deliverAt });
      await world.clock.advance(10_000);
      expect(handled).toEqual([
        ['a', 5000],
        ['b', 6000],
      ]);
    },
  );

  it('of a time that is past, or with a delay of 0, are handled at once', async () => {
    const { runtime, handled } = await consumer();
    const deliverAt = new Date(world.clock.wallTime() - 1000);
    await runtime.producer.publish({ eventType: 'later', payload: 'past', deliverAt });
    const id = await runtime.producer.publish({ eventType: 'later', payload: 'now', delay: 0 });
    expect(id).toMatch(/^\d+-\d+$/);
    await world.settle();
    expect(handled.map(([payload]) => payload)).toEqual(expect.arrayContaining(['now', 'past']));
    expect(handled).toHaveLength(2);
  });

  it('of a batch keep their places among those published at once', async () => {
    const { runtime, handled } = await consumer();
    const ids = await runtime.producer.publishBatch([
      { eventType: 'later', payload: 'b', delay: 10 },
      { eventType: 'later', payload: 'a' },
      { eventType: 'later', payload: 'c', deliverAt: world.clock.wallTime() + 20 },
    ]);
    expect(ids).toEqual([
      expect.stringMatching(/^delayed-/),
      expect.stringMatching(/^\d/),
      expect.stringMatching(/^delayed-/),
    ]);
    await world.clock.advance(20);
    expect(handled).toEqual([
      ['a', 0],
      ['b', 10],
      ['c', 20],
    ]);
  });

  it('that a settlement stores are handled when they are due', async () => {
    const { runtime, handled } = await consumer();
    const fields = jsonCodec.encode({ stream: 'later', eventType: 'later', payload: 'next' });
    const other = world.runtime({
      group: 'other',
      middleware: [
        async (delivery, next) => {
          await next(delivery);
          return { ...ack, publish: [{ stream: 'later', fields, when: { in: 700 } }] };
        },
      ],
    });
    await other.start([{ name: 'H.h', events: ['cause'], options: {}, invoke: async () => ack }]);
    await runtime.producer.publish({ eventType: 'cause', payload: 1 });
    await world.clock.advance(1000);
    expect(handled).toEqual([['next', 700]]);
  });

  it('are promoted by who only publishes', async () => {
    const publisher = world.runtime();
    await publisher.producer.publish({ eventType: 'later', payload: 1, delay: 50 });
    await world.clock.advance(50);
    await publisher.close();
    const { handled } = await consumer();
    await world.settle();
    expect(handled).toHaveLength(1);
  });

  it('wait for a consumer where no other process lives', async () => {
    const publisher = world.runtime();
    await publisher.producer.publish({ eventType: 'later', payload: 1, delay: 50 });
    await publisher.close();
    await world.clock.advance(50);
    const { handled } = await consumer();
    await world.settle();
    expect(handled).toHaveLength(1);
  });

  it('are listed, cancelled and moved', async () => {
    const { runtime, handled } = await consumer();
    const publish = (payload: string, delay: number) =>
      runtime.producer.publish({ eventType: 'later', payload, delay, metadata: { k: 'v' } });
    const [first, second] = [await publish('first', 1000), await publish('second', 2000)];
    const { delayedMessages } = runtime.admin;
    expect(await delayedMessages.list('later')).toEqual({
      items: [
        {
          id: first,
          dueAt: new Date(world.clock.wallTime() + 1000).toISOString(),
          eventType: 'later',
          payload: 'first',
          metadata: { k: 'v' },
        },
        expect.objectContaining({ id: second }),
      ],
    });
    expect(await delayedMessages.cancel('later', first)).toBe(true);
    expect(await delayedMessages.reschedule('later', second, { delay: 10 })).toBe(true);
    await world.clock.advance(10);
    expect(handled).toEqual([['second', 10]]);
    expect(await delayedMessages.reschedule('later', second, { delay: 10 })).toBe(false);
    await expect(delayedMessages.reschedule('later', second, { delay: -1 })).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_MESSAGE' }),
    );
  });

  it.each([
    { delay: -1 },
    { delay: 1.5 },
    { delay: NaN },
    { delay: Infinity },
    { delay: '5' as never },
    { deliverAt: new Date(NaN) },
    { deliverAt: -1 },
    { deliverAt: '2025-01-01' as never },
    { delay: 1, deliverAt: 1 },
  ])('of no time are refused: %o', async (due) => {
    const publishing = world.runtime().producer.publish({ eventType: 'x', payload: 1, ...due });
    await expect(publishing).rejects.toThrow(expect.objectContaining({ code: 'INVALID_MESSAGE' }));
  });
});

it('no scheduler runs where the server moves due messages by itself, or there are none', () => {
  const delays = memory().open({ events: new EventBus(), keyPrefix: '' }).delays!;
  const parts = { clock: systemClock, events: new EventBus() };
  expect(createScheduler({ ...parts, delays })).toBeInstanceOf(Scheduler);
  const movedByServer = Object.assign(Object.create(delays) as DelayStore, {
    movedByServer: { within: 250 },
  });
  expect(createScheduler({ ...parts, delays: movedByServer })).toBeUndefined();
  expect(createScheduler({ ...parts, delays: undefined })).toBeUndefined();
});
