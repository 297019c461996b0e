import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gate, World } from '../../support/engine.js';

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.close());

describe('a run that takes longer than its timeout', () => {
  it('has failed, is told by its signal, and keeps its slot until it really ends', async () => {
    const stuck = gate();
    const runs: number[] = [];
    let signal: AbortSignal | undefined;
    const app = await world.start(
      [
        {
          events: ['x'],
          options: { timeout: 100, backoff: { delay: 10, jitter: 0 } },
          invoke: (delivery) => {
            runs.push(delivery.attempt);
            signal ??= delivery.signal;
            return runs.length === 1 ? stuck.promise : undefined;
          },
        },
      ],
      { concurrency: 1 },
    );
    await app.publish('x', 1);
    await app.publish('x', 2);
    await world.clock.advance(100);
    expect(signal!.reason).toMatchObject({ code: 'HANDLER_TIMEOUT' });
    expect(app.settled).toMatchObject([
      { outcome: 'retried', error: { name: 'HandlerTimeoutError' }, delay: 10 },
    ]);
    await world.clock.advance(5000);
    expect(runs).toEqual([1]);
    stuck.open();
    await world.settle();
    expect(runs.toSorted((a, b) => a - b)).toEqual([1, 1, 2]);
    expect(app.outcomes()).toEqual(['retried', 'handled', 'handled']);
  });

  it('does not start again beside itself, even with free slots', async () => {
    const stuck = gate();
    let running = 0;
    let most = 0;
    const app = await world.start([
      {
        events: ['x'],
        options: { timeout: 100, backoff: { delay: 10, jitter: 0 } },
        invoke: async ({ attempt }) => {
          most = Math.max(most, ++running);
          if (attempt === 1) await stuck.promise;
          running--;
        },
      },
    ]);
    await app.publish('x');
    await world.clock.advance(5000);
    expect(most).toBe(1);
    stuck.open();
    await world.settle();
    expect(app.outcomes()).toEqual(['retried', 'handled']);
  });

  it('is dead-lettered after the last one, while it may still run', async () => {
    const app = await world.start(
      [{ events: ['x'], options: { timeout: 100 }, invoke: () => gate().promise }],
      { maxDeliveries: 1, gracePeriod: 0 },
    );
    await app.publish('x');
    await world.clock.advance(100);
    expect(app.settled).toMatchObject([{ outcome: 'dead-lettered', reason: 'timed-out' }]);
  });
});

describe('a handler with its own concurrency', () => {
  it('keeps to it over all its streams', async () => {
    const slow = gate();
    let running = 0;
    let most = 0;
    const app = await world.start([
      {
        events: ['*'],
        options: { concurrency: 1, streams: ['a', 'b', 'c'] },
        invoke: async () => {
          most = Math.max(most, ++running);
          await slow.promise;
          running--;
        },
      },
    ]);
    for (const stream of ['a', 'b', 'c']) {
      await app.runtime.producer.publish({ eventType: 'x', payload: 1, stream });
    }
    await world.settle();
    expect(most).toBe(1);
    slow.open();
    await world.settle();
    expect(app.outcomes()).toEqual(['handled', 'handled', 'handled']);
    expect(most).toBe(1);
  });

  it('runs no more at a time, and does not hold up the others', async () => {
    const slow = gate();
    let running = 0;
    let most = 0;
    const others: number[] = [];
    const app = await world.start([
      {
        events: ['slow'],
        options: { concurrency: 2 },
        invoke: async () => {
          most = Math.max(most, ++running);
          await slow.promise;
          running--;
        },
      },
      { events: ['fast'], invoke: () => void others.push(1) },
    ]);
    for (let n = 0; n < 6; n++) await app.publish('slow');
    for (let n = 0; n < 6; n++) await app.publish('fast');
    expect([most, others.length]).toEqual([2, 6]);
    slow.open();
    await world.settle();
    expect(app.outcomes().filter((outcome) => outcome === 'handled')).toHaveLength(12);
    expect(most).toBe(2);
  });
});
