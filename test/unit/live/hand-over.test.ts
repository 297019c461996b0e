import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StreamsEvents } from '../../../lib/core/events.js';
import { gate, World, type EngineOptions } from '../../support/engine.js';

const orders = { streams: ['orders'] };

describe('an event that only another consumer of the group handles', () => {
  let world: World;
  beforeEach(() => (world = new World()));
  afterEach(() => world.close());

  /** A consumer of these events that remembers what it ran. */
  async function start(events: string[], options: EngineOptions = {}, work?: () => unknown) {
    const ran: string[] = [];
    const attempts: number[] = [];
    const engine = await world.start(
      [
        {
          events,
          options: orders,
          invoke: (delivery) => {
            ran.push(delivery.eventType);
            attempts.push(delivery.attempt);
            return work?.();
          },
        },
      ],
      { idleTimeout: 10_000, ...options },
    );
    const waits: StreamsEvents['unhandled-waits'][] = [];
    engine.runtime.events.on('unhandled-waits', (event) => waits.push(event));
    return { ...engine, ran, attempts, waits };
  }

  async function publish(eventType: string, count = 1): Promise<void> {
    const producer = world.runtime();
    for (let at = 0; at < count; at++)
      await producer.producer.publish({ stream: 'orders', eventType, payload: at });
    await world.settle();
  }

  it('is handed to it, each of two consumers getting all of its own', async () => {
    const x = await start(['x']);
    const y = await start(['y']);
    await publish('x', 10);
    await publish('y', 10);
    await publish('x', 10);
    expect(x.ran).toEqual(Array(20).fill('x'));
    expect(y.ran).toEqual(Array(10).fill('y'));
    expect([...x.outcomes(), ...y.outcomes()]).not.toContain('filtered');
    const handed = [...x.settled, ...y.settled].filter((event) => event.outcome === 'handed-over');
    // They did not run there.
    expect(new Set(handed.map(({ attempt }) => attempt))).toEqual(new Set([0]));
    expect(handed.length).toBeGreaterThan(0);
    expect(handed.every(({ receiver }) => receiver !== undefined)).toBe(true);
  });

  it('is handed over during a rolling deploy, both versions started in the same moment', async () => {
    await publish('order.paid', 10);
    await publish('order.shipped', 10);
    const [v1, v2] = await Promise.all([
      start(['order.paid']),
      start(['order.paid', 'order.shipped']),
    ]);
    await world.settle();
    expect(v1.ran.length + v2.ran.length).toBe(20);
    expect(v2.ran.filter((type) => type === 'order.shipped')).toHaveLength(10);
  });

  it('is handled where two consumers each hold as much as they may of events of the other', async () => {
    for (let round = 0; round < 10; round++) {
      await publish('y', 40);
      await publish('x', 40);
    }
    const few = { maxParked: 10, concurrency: 4, batchSize: 50 };
    const slowly = () => new Promise<void>((resolve) => world.clock.setTimeout(resolve, 20));
    const [x, y] = await Promise.all([start(['x'], few, slowly), start(['y'], few, slowly)]);
    for (let turn = 0; turn < 100 && x.ran.length + y.ran.length < 800; turn++)
      await world.clock.advance(200);
    expect([x.ran.length, y.ran.length]).toEqual([400, 400]);
  });

  it('is handed over uncounted, so that its only run is left', async () => {
    const x = await start(['x'], { maxDeliveries: 1 });
    const y = await start(['y'], { maxDeliveries: 1 });
    await publish('y', 6);
    await world.clock.advance(1000);
    expect(y.attempts).toEqual(Array(6).fill(1));
    expect(x.outcomes()).toContain('handed-over');
    expect(x.outcomes()).not.toContain('dead-lettered');
    expect(y.outcomes()).not.toContain('dead-lettered');
  });

  it('is acknowledged as filtered where no consumer has it, and told of once', async () => {
    const told: StreamsEvents['event-filtered'][] = [];
    const x = await start(['x']);
    x.runtime.events.on('event-filtered', (event) => told.push(event));
    await publish('z', 3);
    expect(x.outcomes()).toEqual(['filtered', 'filtered', 'filtered']);
    expect(told).toEqual([{ stream: 'orders', group: 'g', eventType: 'z' }]);
  });

  it('waits for receivers that are paused, and is run when they read on', async () => {
    const x = await start(['x']);
    const y = await start(['y']);
    await y.runtime.consumers.pause(y.runtime.consumers.find('y'));
    await publish('y', 3);
    await world.clock.advance(60_000);
    expect(y.ran).toEqual([]);
    expect(x.waits.map(({ why }) => why)).toEqual(['not-reading', 'not-reading', 'not-reading']);
    await y.runtime.consumers.resume(y.runtime.consumers.find('y'));
    await world.clock.advance(1000);
    expect(y.attempts).toEqual([1, 1, 1]);
    expect(x.outcomes()).not.toContain('filtered');
  });

  it('waits for a receiver that closes and comes again', async () => {
    const x = await start(['x']);
    const held = gate();
    const closing = await start(['y'], {}, () => held.promise);
    await publish('y');
    const closed = closing.runtime.drain();
    await publish('y', 3);
    expect(x.waits.map(({ why }) => why)).toEqual(['not-reading', 'not-reading', 'not-reading']);
    held.open();
    await closed;
    await world.clock.advance(5000);
    expect(x.outcomes()).not.toContain('filtered');
    const again = await start(['y']);
    await world.clock.advance(1000);
    expect(again.attempts).toEqual([1, 1, 1]);
  });

  it('is a dead letter where the only consumer that handled it is gone for good', async () => {
    const x = await start(['x']);
    const y = await start(['y']);
    await y.runtime.drain();
    await publish('y');
    expect(x.waits.map(({ why }) => why)).toEqual(['restarting']);
    await world.clock.advance(10_000);
    expect(x.settled.at(-1)).toMatchObject({ outcome: 'dead-lettered', reason: 'unmatched' });
    const page = await x.runtime.admin.deadLetters.list('orders');
    expect(page.items).toHaveLength(1);
  });

  it('waits where its receivers hold as much as they can, and is run when they can take more', async () => {
    const held = gate();
    const x = await start(['x'], { maxParked: 5 });
    const y = await start(
      ['y'],
      { concurrency: 1, batchSize: 1, maxParked: 5 },
      () => held.promise,
    );
    await publish('y', 40);
    await world.clock.advance(1000);
    expect(x.waits.some(({ why }) => why === 'full')).toBe(true);
    held.open();
    await world.clock.advance(20_000);
    expect(y.ran).toHaveLength(40);
    expect(y.attempts.every((attempt) => attempt === 1)).toBe(true);
  });

  it('is handed over also where it was redriven', async () => {
    const x = await start(['x'], { unmatched: 'dead-letter' });
    await publish('y', 6);
    expect(x.outcomes()).toEqual(Array(6).fill('dead-lettered'));
    const y = await start(['y']);
    await x.runtime.admin.deadLetters.redrive('orders', { all: true });
    await world.clock.advance(1000);
    expect(y.attempts).toEqual(Array(6).fill(1));
    expect(x.outcomes()).toContain('handed-over');
  });

  it('is run by a handler that joins, and handed to one that joined elsewhere', async () => {
    const x = await start(['x']);
    const y = await start(['y']);
    await y.runtime.subscribe([
      { name: 'H.z', events: ['z'], options: orders, invoke: async () => ({ kind: 'ack' }) },
    ]);
    await publish('z', 4);
    expect([...x.outcomes(), ...y.outcomes()]).not.toContain('filtered');
    expect(y.outcomes().filter((outcome) => outcome === 'handled')).toHaveLength(4);
  });

  it('gives back what waits when its consumer stops', async () => {
    const x = await start(['x']);
    const y = await start(['y']);
    await y.runtime.consumers.pause(y.runtime.consumers.find('y'));
    await publish('y', 3);
    await x.runtime.drain();
    expect(x.outcomes().filter((outcome) => outcome === 'released')).toHaveLength(3);
    await y.runtime.consumers.resume(y.runtime.consumers.find('y'));
    await world.clock.advance(10_000);
    expect(y.attempts).toEqual([1, 1, 1]);
  });
});
