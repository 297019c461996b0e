import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memory } from '../../../lib/drivers/memory/index.js';
import { driverWith } from '../../support/driver-with.js';
import { gate, World } from '../../support/engine.js';

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.close());

describe('shutdown', () => {
  it('awaits what runs, settles it, and releases what has not started, uncharged', async () => {
    const slow = gate();
    const app = await world.start([{ events: ['x'], invoke: () => slow.promise }], {
      concurrency: 1,
      consumer: 'a',
    });
    await app.publish('x', 1);
    const failing = await app.publish('x', 2);
    const drained = app.runtime.drain();
    await world.settle();
    slow.open();
    await drained;
    expect(app.outcomes()[0] === 'handled' || app.outcomes().includes('handled')).toBe(true);
    const attempts: number[] = [];
    const next = await world.start([
      { events: ['x'], invoke: ({ attempt }) => void attempts.push(attempt) },
    ]);
    await world.clock.advance(5000);
    expect(attempts).toEqual([1]);
    expect(next.settled[0]!.id).toBe(failing);
  });

  it('releases parked retries, so that another consumer runs them at once', async () => {
    const app = await world.start(
      [
        {
          events: ['x'],
          invoke: () => {
            throw new Error('no');
          },
        },
      ],
      { backoff: { delay: 60_000, maxDelay: 60_000, jitter: 0 } },
    );
    await app.publish('x');
    await app.runtime.drain();
    expect(app.outcomes()).toEqual(['retried', 'released']);
    const attempts: number[] = [];
    await world.start([{ events: ['x'], invoke: ({ attempt }) => void attempts.push(attempt) }]);
    await world.clock.advance(5000);
    expect(attempts).toEqual([2]);
  });

  describe('of a source that loses what has not run', () => {
    /** Subscriptions of this driver end when the messages that have arrived were handed out. */
    const lossy = (arrived: Promise<void>) => ({
      messageSource: driverWith(memory({ broker: world.broker }), ({ source }) => {
        const subscribe = source.subscribe.bind(source);
        source.subscribe = async (options) =>
          Object.assign(await subscribe(options), { drain: () => arrived });
      }),
    });

    it('runs what arrives until then, and retries', async () => {
      const arrived = gate();
      const attempts: [unknown, number][] = [];
      const app = await world.start(
        [
          {
            events: ['x'],
            invoke: async ({ message, attempt }) => {
              attempts.push([message?.payload, attempt]);
              if (attempt === 1) throw new Error('no');
            },
          },
        ],
        { slots: lossy(arrived.promise), concurrency: 1 },
      );
      await app.publish('x', 1);
      const drained = app.runtime.drain();
      await app.publish('x', 2);
      arrived.open();
      await world.clock.advance(1000);
      await drained;
      expect(attempts).toEqual(
        [1, 2]
          .flatMap((n) => [[n, 1]])
          .concat([
            [1, 2],
            [2, 2],
          ]),
      );
      expect(app.outcomes()).toEqual(['retried', 'retried', 'handled', 'handled']);
    });

    it('ends with the grace period, which begins once', async () => {
      const app = await world.start(
        [
          {
            events: ['x'],
            invoke: () => {
              throw new Error('no');
            },
          },
        ],
        {
          slots: lossy(Promise.resolve()),
          gracePeriod: 10_000,
          backoff: { delay: 60_000, maxDelay: 60_000, jitter: 0 },
        },
      );
      await app.publish('x', 1);
      const drained = app.runtime.drain();
      await world.clock.advance(8000);
      expect(app.outcomes()).toEqual(['retried']);
      await world.clock.advance(2000);
      await drained;
      expect(app.outcomes()).toEqual(['retried', 'released']);
    });
  });

  it('gives up on what outlives the grace period: aborts its signal, releases it uncharged', async () => {
    let signal: AbortSignal | undefined;
    const late = gate();
    const app = await world.start(
      [
        {
          events: ['x'],
          invoke: (delivery) => {
            signal = delivery.signal;
            return late.promise;
          },
        },
      ],
      { gracePeriod: 1000 },
    );
    await app.publish('x');
    const drained = app.runtime.drain();
    // A tenth is kept for the rest of the shutdown.
    await world.clock.advance(899);
    expect(signal!.aborted).toBe(false);
    await world.clock.advance(1);
    expect(signal!.aborted).toBe(true);
    await drained;
    expect(signal!.reason).toMatchObject({ code: 'SHUTDOWN' });
    expect(app.outcomes()).toEqual(['released']);
    const attempts: number[] = [];
    await world.start([{ events: ['x'], invoke: ({ attempt }) => void attempts.push(attempt) }]);
    await world.clock.advance(5000);
    expect(attempts).toEqual([1]);
    late.open();
    await world.settle();
    expect(app.outcomes()).not.toContain('handled');
  });

  it('tells of the runs that it has waited for, and of those that it gives up', async () => {
    const late = gate();
    const handlers = [{ events: ['x'], invoke: () => late.promise }];
    const app = await world.start(handlers, { gracePeriod: 30_000 });
    const told: unknown[] = [];
    app.runtime.events.on('runs-awaited', (event) => told.push(event));
    app.runtime.events.on('runs-given-up', (event) => told.push(event));
    const id = await app.publish('x');
    const drained = app.runtime.drain();
    await world.clock.advance(999);
    expect(told).toEqual([]);
    await world.clock.advance(1);
    const where = { stream: 'x', id, eventType: 'x', handler: expect.any(String) as string };
    const awaited = { group: expect.any(String) as string, runs: [where], atMost: 26_000 };
    expect(told).toEqual([awaited]);
    await world.clock.advance(26_000);
    await drained;
    expect(told.slice(1)).toEqual([{ group: awaited.group, runs: [where] }]);
    late.open();
  });

  it('tells nothing of runs that end within a second', async () => {
    const slow = gate();
    const app = await world.start([{ events: ['x'], invoke: () => slow.promise }]);
    const told: unknown[] = [];
    app.runtime.events.on('runs-awaited', (event) => told.push(event));
    app.runtime.events.on('runs-given-up', (event) => told.push(event));
    await app.publish('x');
    const drained = app.runtime.drain();
    await world.clock.advance(500);
    slow.open();
    await drained;
    await world.clock.advance(60_000);
    expect(told).toEqual([]);
  });

  it('starts nothing that still waits for its handler’s own concurrency', async () => {
    const slow = gate();
    const runs: number[] = [];
    const app = await world.start([
      {
        events: ['bounded'],
        options: { concurrency: 1, streams: ['s'] },
        invoke: () => {
          runs.push(1);
          return slow.promise;
        },
      },
      { events: ['free'], options: { streams: ['s'] }, invoke: () => undefined },
    ]);
    for (let n = 0; n < 4; n++) {
      await app.runtime.producer.publish({ eventType: 'bounded', payload: n, stream: 's' });
    }
    await world.settle();
    const drained = app.runtime.drain();
    await world.settle();
    slow.open();
    await drained;
    expect(runs).toHaveLength(1);
    expect(app.outcomes().sort()).toEqual(['handled', 'released', 'released', 'released']);
  });

  it('can be asked for twice, and refuses to publish after close', async () => {
    const app = await world.start([{ events: ['x'], invoke: () => undefined }]);
    await Promise.all([app.runtime.close(), app.runtime.close(), app.runtime.drain()]);
    await expect(
      app.runtime.producer.publish({ eventType: 'x', payload: 1 }),
    ).rejects.toMatchObject({
      code: 'CLOSED',
    });
  });
});
