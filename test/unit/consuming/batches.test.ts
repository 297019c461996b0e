import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Collector } from '../../../lib/consuming/batching/collector.js';
import { EventBus } from '../../../lib/core/event-bus.js';
import { Overruns } from '../../../lib/consuming/running/overruns.js';
import { Slots } from '../../../lib/consuming/plan/slots.js';
import { Delivery, type BatchHandler, type BoundHandler } from '../../../lib/core/delivery.js';
import type { Lease } from '../../../lib/core/lease.js';
import type { HandlerOptions } from '../../../lib/options/handler-options.js';
import { ack, deadLetter, retry } from '../../../lib/core/settlement.js';
import { gate, World, type EngineOptions } from '../../support/engine.js';
import { standIn } from '../../support/stand-in.js';

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.close());

const numberOf = ({ message }: Delivery) => message.payload as number;

async function collecting(
  run: (numbers: number[], items: Parameters<BatchHandler>[0]) => unknown,
  own: Partial<HandlerOptions> = {},
  options: EngineOptions = {},
) {
  const batches: number[][] = [];
  const app = await world.start(
    [
      {
        events: ['x'],
        options: { batch: { size: 3, maxWait: 500 }, ...own },
        invoke: () => expect.unreachable(),
        invokeBatch: async (items) => {
          const numbers = items.map(({ delivery }) => numberOf(delivery));
          batches.push(numbers);
          await run(numbers, items);
        },
      },
    ],
    options,
  );
  const publish = async (...numbers: number[]) => {
    for (const number of numbers) {
      await app.runtime.producer.publish({ eventType: 'x', payload: number });
    }
    await world.settle();
  };
  return { ...app, batches, publish };
}

describe('batches', () => {
  it('run when they are full, or their first message has waited long enough', async () => {
    const app = await collecting(() => undefined);
    await app.publish(1, 2, 3, 4);
    expect(app.batches).toEqual([[1, 2, 3]]);
    await world.clock.advance(499);
    expect(app.batches).toHaveLength(1);
    await world.clock.advance(1);
    expect(app.batches).toEqual([[1, 2, 3], [4]]);
    await app.publish(5);
    await world.clock.advance(499);
    await app.publish(6);
    expect(app.batches).toHaveLength(2);
    await world.clock.advance(1);
    expect(app.batches.at(-1)).toEqual([5, 6]);
    expect(app.outcomes()).toEqual(Array(6).fill('handled'));
  });

  it('what is left over has waited for as long as it has', async () => {
    const batches: number[][] = [];
    const batch = { size: 3, maxWait: 500 };
    const invokeBatch: BatchHandler = async (items) =>
      void batches.push(items.map(({ delivery }) => Number(delivery.id)));
    const shared = new Slots(1);
    const { clock } = world;
    const handler = standIn<BoundHandler>({ batch, invokeBatch });
    const overruns = new Overruns({ clock, events: new EventBus() });
    const collector = new Collector({ handler, clock, own: new Slots(2), shared, overruns });
    await shared.take();
    for (const id of ['1', '2', '3', '4'])
      void collector.add(new Delivery({ id } as Lease, 'g', 'c'));
    await clock.advance(400);
    expect(batches).toEqual([]);
    shared.release();
    await clock.advance(99);
    expect(batches).toEqual([[1, 2, 3]]);
    await clock.advance(1);
    expect(batches).toEqual([[1, 2, 3], [4]]);
  });

  it('may be larger than what the transport runs at a time', async () => {
    const app = await collecting(
      () => undefined,
      { batch: { size: 50, maxWait: 500 } },
      { concurrency: 2 },
    );
    await app.publish(...Array.from({ length: 50 }, (_, n) => n));
    expect(app.batches.map(({ length }) => length)).toEqual([50]);
  });

  it('follow each other, and take places of the transport as one run', async () => {
    const doors = [gate(), gate(), gate()];
    let began = 0;
    const app = await collecting(() => doors[began++]!.promise, { concurrency: 2 });
    await app.publish(1, 2, 3, 4, 5, 6, 7, 8, 9);
    expect(app.batches).toHaveLength(2);
    doors[0]!.open();
    await world.settle();
    expect(app.batches).toHaveLength(3);
    doors[1]!.open();
    doors[2]!.open();
    await world.settle();
    expect(app.outcomes()).toHaveLength(9);
  });

  it('never mix streams', async () => {
    const app = await collecting(() => undefined, { streams: ['s', 't'] });
    for (const [stream, payload] of [
      ['s', 1],
      ['t', 2],
      ['s', 3],
      ['t', 4],
    ] as const) {
      await app.runtime.producer.publish({ eventType: 'x', stream, payload });
    }
    await world.clock.advance(500);
    expect(app.batches.sort(([a = 0], [b = 0]) => a - b)).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });

  it('settle each item as it was asked to, and count its runs alone', async () => {
    const app = await collecting(
      (_, items) => {
        for (const item of items) {
          if (numberOf(item.delivery) === 2) item.asked = retry(1000);
          if (numberOf(item.delivery) === 3) item.asked = deadLetter('bad');
        }
      },
      { maxDeliveries: 2 },
    );
    await app.publish(1, 2, 3);
    await world.clock.advance(900);
    await app.publish(4);
    await world.clock.advance(600);
    expect(app.batches).toEqual([
      [1, 2, 3],
      [4, 2],
    ]);
    expect(app.settled.map(({ outcome, attempt, reason }) => [outcome, attempt, reason])).toEqual([
      ['handled', 1, undefined],
      ['retried', 1, undefined],
      ['dead-lettered', 1, 'bad'],
      ['handled', 1, undefined],
      ['dead-lettered', 2, 'max-deliveries'],
    ]);
  });

  it('that throw fail what was not settled', async () => {
    const app = await collecting((_, items) => {
      items[0]!.asked = ack;
      throw new TypeError('no');
    });
    await app.publish(1, 2, 3);
    expect(app.outcomes()).toEqual(['handled', 'retried', 'retried']);
    expect(app.settled[1]!.error).toMatchObject({ name: 'TypeError' });
    await world.clock.advance(2000);
    expect(app.batches[1]).toEqual([2, 3]);
  });

  it('have their timeout from their own start on, and keep their place until they end', async () => {
    const { promise, open } = gate();
    const signals: AbortSignal[] = [];
    const app = await collecting(
      (numbers, items) => {
        signals.push(...items.map(({ delivery }) => delivery.signal));
        return numbers.includes(1) ? promise : undefined;
      },
      { timeout: 400 },
    );
    await app.publish(1, 2);
    await world.clock.advance(899);
    expect(app.outcomes()).toEqual([]);
    await world.clock.advance(1);
    expect(app.outcomes()).toEqual(['retried', 'retried']);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    await app.publish(3, 4, 5);
    await world.clock.advance(5000);
    expect(app.batches).toHaveLength(1);
    open();
    await world.settle();
    expect(app.batches[1]).toEqual([3, 4, 5]);
  });

  it('deduplicate each message', async () => {
    const app = await collecting(() => undefined, {
      dedupe: { key: ({ payload }) => String(Number(payload) % 10) },
    });
    await app.publish(1, 11, 2, 3);
    await world.clock.advance(3000);
    expect(app.batches).toEqual([[1, 2, 3]]);
    expect(app.outcomes().filter((outcome) => outcome === 'duplicate')).toHaveLength(1);
  });

  it('that were not started are released at a shutdown, uncharged', async () => {
    const { promise, open } = gate();
    const app = await collecting(() => promise, {}, { consumer: 'old' });
    await app.publish(1, 2, 3, 4, 5, 6, 7);
    const closing = app.runtime.close();
    await world.settle();
    expect(app.outcomes()).toEqual(Array(3).fill('released'));
    open();
    await world.clock.advance(0);
    await closing;
    expect(app.outcomes()).toEqual([...Array(3).fill('released'), ...Array(3).fill('handled')]);
    const next = await collecting(() => undefined, {}, { consumer: 'new' });
    await world.clock.advance(500);
    expect(next.batches.flat().sort((a, b) => a - b)).toEqual([4, 5, 6, 7]);
    expect(next.settled.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1]);
  });

  it('collect nothing of a stream that was paused meanwhile', async () => {
    const { promise, open } = gate();
    const app = await collecting(
      () => undefined,
      {},
      { middleware: [(delivery, next) => promise.then(() => next(delivery))] },
    );
    await app.publish(1);
    const { consumers } = app.runtime;
    await consumers.pause(consumers.find('x'));
    open();
    await world.clock.advance(500);
    expect(app.batches).toEqual([]);
    expect(app.outcomes()).toEqual(['released']);
  });

  it('stand beside other handlers of their stream, which keep to the bound of the transport', async () => {
    const { promise, open } = gate();
    let running = 0;
    let most = 0;
    const app = await world.start(
      [
        {
          events: ['many'],
          options: { batch: { size: 10, maxWait: 500 }, streams: ['s'] },
          invoke: () => expect.unreachable(),
          invokeBatch: async () => undefined,
        },
        {
          events: ['one'],
          options: { streams: ['s'] },
          invoke: async () => {
            most = Math.max(most, ++running);
            await promise;
            running--;
          },
        },
      ],
      { concurrency: 2 },
    );
    const publish = (eventType: string) =>
      app.runtime.producer.publish({ eventType, stream: 's', payload: 1 });
    for (let n = 0; n < 5; n++) await publish('one');
    for (let n = 0; n < 10; n++) await publish('many');
    await world.settle();
    expect(most).toBe(2);
    open();
    await world.settle();
    expect(most).toBe(2);
    expect(app.outcomes()).toEqual(Array(15).fill('handled'));
  });
});
