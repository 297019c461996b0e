import { afterEach, beforeEach, expect, it } from 'vitest';
import { memory } from '../../../lib/drivers/memory/index.js';
import type { Driver } from '../../../lib/ports/driver.js';
import type { LiveConsumers } from '../../../lib/ports/live-consumers.js';
import { StreamsRuntime } from '../../../lib/runtime/streams-runtime.js';
import { driverWith } from '../../support/driver-with.js';
import { gate, World } from '../../support/engine.js';
import { inAllSlots } from '../../support/in-all-slots.js';

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.close());

it('a retry that is acknowledged while it is settled does not hold up the next message of its key', async () => {
  const seen: number[] = [];
  const app = await world.start(
    [
      {
        events: ['x'],
        options: { orderBy: 'k' },
        invoke: ({ id, message: { payload } }) => {
          seen.push((payload as { n: number }).n);
          if (seen.length > 1) return;
          const { consumers } = app.runtime;
          // The run has failed by then, and the source has not been told of it yet.
          process.nextTick(() => consumers.acknowledged('c', 'g', 'x', id));
          throw new Error('no');
        },
      },
    ],
    { consumer: 'c', backoff: { delay: 100, jitter: 0 } },
  );
  await app.publish('x', { k: 'a', n: 1 });
  await app.publish('x', { k: 'a', n: 2 });
  await world.clock.advance(1000);
  expect(seen.at(-1)).toBe(2);
});

it('what is acknowledged while it is handed over, and stays, is forgotten', async () => {
  const [asked, handing] = [gate(), gate()];
  const source = driverWith(memory({ broker: world.broker }), ({ live }: Driver) => ({
    live: {
      settlingTime: 0,
      members: live!.members.bind(live),
      join: async (announcement) => {
        const membership = await live!.join(announcement);
        membership.handOver = async () => {
          asked.open();
          await handing.promise;
          throw new Error('no answer');
        };
        return membership;
      },
    } satisfies LiveConsumers,
  }));
  const runtime = new StreamsRuntime({ slots: inAllSlots(source), group: 'g', consumer: 'c' });
  const outcomes: string[] = [];
  runtime.events.on('settled', ({ outcome }) => outcomes.push(outcome));
  const invoke = () => Promise.resolve({ kind: 'ack' } as const);
  await runtime.start([{ name: 'H.x', events: ['x'], options: { streams: ['s'] }, invoke }]);
  await world.settle();
  await world.start([{ events: ['y'], invoke, options: { streams: ['s'] } }], { consumer: 'd' });
  const id = await runtime.producer.publish({ stream: 's', eventType: 'y', payload: 1 });
  await world.settle();
  await asked.promise;
  runtime.consumers.acknowledged('c', 'g', 's', id);
  handing.open();
  await world.settle();
  expect(outcomes).toEqual(['lost']);
  const closed = runtime.close();
  await world.clock.advance(100_000);
  await closed;
});

it('what is offered to others while its stream is paused is given back', async () => {
  const [offering, answered, stuck] = [gate(), gate(), gate()];
  const source = driverWith(memory({ broker: world.broker }), (driver) => {
    const { source: original } = driver;
    const settle: typeof original.settle = async (batch) => {
      const outcomes = await original.settle(batch);
      if (!batch.some(({ settlement: { kind } }) => kind === 'release')) return outcomes;
      offering.open();
      await answered.promise;
      return outcomes;
    };
    return { live: undefined, source: Object.assign(Object.create(original), { settle }) };
  });
  const runtime = new StreamsRuntime({ slots: inAllSlots(source), group: 'g', gracePeriod: 0 });
  const outcomes: string[] = [];
  runtime.events.on('settled', ({ outcome }) => outcomes.push(outcome));
  const options = { timeout: 300, backoff: { delay: 10, jitter: 0 } };
  const invoke = async () => {
    await stuck.promise;
    return { kind: 'ack' } as const;
  };
  await runtime.start([{ name: 'H.x', events: ['x'], options, invoke }]);
  await runtime.producer.publish({ eventType: 'x', payload: 1 });
  await world.clock.advance(400);
  await offering.promise;
  const { consumers } = runtime;
  await consumers.pause(consumers.find('x'));
  answered.open();
  await world.settle();
  expect(outcomes).toEqual(['retried', 'released']);
  stuck.open();
  const closed = runtime.close();
  await world.clock.advance(100_000);
  await closed;
});
