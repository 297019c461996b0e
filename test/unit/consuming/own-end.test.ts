import { EventEmitter } from 'node:events';
import { from, lastValueFrom, tap } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HandlerOptions } from '../../../lib/options/handler-options.js';
import type { Middleware } from '../../../lib/core/middleware.js';
import { gate, World } from '../../support/engine.js';

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.close());

const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const passing: Middleware = (delivery, next) => next(delivery);

/** All that may stand between a handler and its run. */
const KINDS: Record<string, { own?: HandlerOptions; middleware?: Middleware[] }> = {
  'as it is': {},
  'with a timeout': { own: { timeout: 60_000 } },
  'in order': { own: { orderBy: 'k' } },
  'of its own concurrency': { own: { concurrency: 1 } },
  'with dedupe': {
    own: { dedupe: { key: ({ payload }) => String((payload as { k: number }).k) } },
  },
  'with middleware': { middleware: [passing, async (delivery, next) => next(delivery)] },
};

describe.each(Object.entries(KINDS))('a handler %s', (_, { own = {}, middleware = [] }) => {
  it.each(['drain', 'close'] as const)('may await %s, and is settled', async (end) => {
    const began = world.clock.now();
    const log: string[] = [];
    const invoke = async (): Promise<void> => {
      await later();
      await app.runtime[end]();
      log.push('resolved');
    };
    const app = await world.start([{ events: ['x'], invoke, options: own }], { middleware });
    app.runtime.events.on('settled', ({ outcome }) => log.push(outcome));
    await app.publish('x', { k: 1 });
    await app.runtime.close();
    expect(log).toEqual(['resolved', 'handled']);
    // No time passed: nothing was waited for.
    expect(world.clock.now()).toBe(began);
  });
});

it('so may a run of a batch, whose messages are all settled', async () => {
  const log: string[] = [];
  const app = await world.start([
    {
      events: ['x'],
      invoke: () => undefined,
      options: { batch: { size: 3, maxWait: 500 } },
      invokeBatch: async () => {
        await later();
        await app.runtime.close();
        log.push('resolved');
      },
    },
  ]);
  for (const n of [1, 2, 3]) await app.publish('x', n);
  await app.runtime.close();
  expect(log).toEqual(['resolved']);
  expect(app.outcomes()).toEqual(['handled', 'handled', 'handled']);
});

it('of several runs that call it, each waits for those that do not', async () => {
  const other = gate();
  const both = gate();
  const log: string[] = [];
  const app = await world.start([
    { events: ['other'], invoke: () => other.promise },
    {
      events: ['x'],
      invoke: async ({ message }) => {
        await both.promise;
        await app.runtime.close();
        log.push(`${String(message.payload)} resolved`);
      },
    },
  ]);
  await app.publish('other');
  await app.publish('x', 1);
  await app.publish('x', 2);
  both.open();
  await later();
  await world.settle();
  expect(log).toEqual([]);
  other.open();
  await app.runtime.close();
  expect(log.toSorted()).toEqual(['1 resolved', '2 resolved']);
  expect(app.outcomes()).toEqual(['handled', 'handled', 'handled']);
});

it('a run that calls it, goes on and fails is given back', async () => {
  const app = await world.start([
    {
      events: ['x'],
      invoke: async () => {
        await app.runtime.drain();
        throw new Error('after all');
      },
    },
  ]);
  await app.publish('x');
  await app.runtime.close();
  expect(app.outcomes()).toEqual(['retried', 'released']);
  const attempts: number[] = [];
  await world.start([{ events: ['x'], invoke: ({ attempt }) => void attempts.push(attempt) }]);
  await world.clock.advance(5000);
  expect(attempts).toEqual([2]);
});

it('a call from outside waits for the run that calls too, and connections are open until then', async () => {
  const rest = gate();
  const log: string[] = [];
  const app = await world.start([
    {
      events: ['x'],
      invoke: async () => {
        await later();
        await app.runtime.close();
        log.push('resolved within');
        await rest.promise;
      },
    },
  ]);
  app.runtime.events.on('settled', ({ outcome }) => log.push(outcome));
  await app.publish('x');
  const outside = app.runtime.close().then(() => log.push('resolved outside'));
  for (let turn = 0; turn < 5; turn++) await later();
  expect(log).toEqual(['resolved within']);
  rest.open();
  await outside;
  expect(log).toEqual(['resolved within', 'handled', 'resolved outside']);
});

it('a run that hangs is given up, and the one that called is settled within the grace period', async () => {
  const hung = gate();
  const app = await world.start(
    [
      { events: ['hung'], invoke: () => hung.promise },
      { events: ['x'], invoke: () => app.runtime.close() },
    ],
    { gracePeriod: 30_000 },
  );
  await app.publish('hung');
  await app.publish('x');
  await world.clock.advance(26_999);
  expect(app.outcomes()).toEqual([]);
  await world.clock.advance(1);
  expect(app.outcomes()).toEqual(['released', 'handled']);
  await world.clock.advance(1000);
  await app.runtime.close();
  hung.open();
});

it('a run that calls it and never ends is given up itself', async () => {
  const hung = gate();
  const app = await world.start(
    [
      {
        events: ['x'],
        invoke: async () => {
          await app.runtime.close();
          await hung.promise;
        },
      },
    ],
    { gracePeriod: 30_000 },
  );
  await app.publish('x');
  await world.clock.advance(29_000);
  await app.runtime.close();
  expect(app.outcomes()).toEqual(['released']);
  hung.open();
});

it('ends what a handler itself takes, while others go on', async () => {
  const log: string[] = [];
  const app = await world.start([
    {
      events: ['x'],
      invoke: async () => {
        const { consumers } = app.runtime;
        await consumers.end(consumers.find('x'));
        log.push('resolved');
      },
    },
    { events: ['y'], invoke: () => undefined },
  ]);
  await app.publish('x');
  await app.publish('y');
  expect(log).toEqual(['resolved']);
  expect(app.outcomes()).toEqual(['handled', 'handled']);
});

it('two runs that end each other do not wait for each other', async () => {
  const log: string[] = [];
  const both = gate();
  let waiting = 0;
  const ending = (other: string) => async (): Promise<void> => {
    if (++waiting === 2) both.open();
    await both.promise;
    const { consumers } = app.runtime;
    await consumers.end(consumers.find(other));
    log.push(other);
  };
  const options = { streams: ['b'] };
  const app = await world.start([
    { events: ['x'], invoke: ending('y'), options: { streams: ['a'] } },
  ]);
  await app.runtime.subscribe([
    {
      name: 'other',
      events: ['y'],
      options,
      invoke: async () => (await ending('x')(), { kind: 'ack' as const }),
    },
  ]);
  await app.runtime.producer.publish({ eventType: 'x', payload: 1, stream: 'a' });
  await app.runtime.producer.publish({ eventType: 'y', payload: 1, stream: 'b' });
  await world.settle();
  expect(log.toSorted()).toEqual(['x', 'y']);
  expect(app.outcomes()).toEqual(['handled', 'handled']);
});

it('a listener is no run: it waits for all, the message included that it was told of', async () => {
  const log: string[] = [];
  const slow = gate();
  const app = await world.start([
    { events: ['x'], invoke: () => undefined },
    { events: ['slow'], invoke: () => slow.promise },
  ]);
  app.runtime.events.on('settled', ({ eventType }) => {
    log.push(eventType);
    if (eventType === 'x') void app.runtime.close().then(() => log.push('closed'));
  });
  await app.publish('slow');
  await app.publish('x');
  slow.open();
  await app.runtime.close();
  await later();
  expect(log).toEqual(['x', 'slow', 'closed']);
});

it('a run may ask first, and wait later', async () => {
  const work = gate();
  const app = await world.start([
    {
      events: ['x'],
      invoke: async () => {
        const closed = app.runtime.close();
        await work.promise;
        await closed;
      },
    },
  ]);
  await app.publish('x');
  await world.clock.advance(500);
  work.open();
  await world.clock.advance(200);
  await app.runtime.close();
  expect(app.outcomes()).toEqual(['handled']);
});

it('a run that asks, and does not wait, is waited for', async () => {
  const [work, both] = [gate(), gate()];
  const log: string[] = [];
  const app = await world.start([
    {
      events: ['asks'],
      invoke: async () => {
        await both.promise;
        void app.runtime.close();
        await work.promise;
        log.push('asked');
      },
    },
    {
      events: ['waits'],
      invoke: async () => {
        await both.promise;
        await app.runtime.close();
        log.push('resolved');
      },
    },
  ]);
  await app.publish('asks');
  await app.publish('waits');
  both.open();
  await world.clock.advance(500);
  expect(log).toEqual([]);
  work.open();
  await app.runtime.close();
  expect(log).toEqual(['asked', 'resolved']);
  expect(app.outcomes()).toEqual(['handled', 'handled']);
});

/** Through these no stack trace leads to the run, so docs say not to await the call. */
const UNTRACED: Record<string, (close: () => void) => Promise<unknown>> = {
  'an Observable': (close) => lastValueFrom(from(later()).pipe(tap(close))),
  'a timer': (close) => new Promise<void>((done) => setImmediate(() => done(close()))),
  'an event emitter': async (close) => {
    const emitter = new EventEmitter().on('end', close);
    await later();
    emitter.emit('end');
  },
};

it.each(Object.entries(UNTRACED))(
  'within %s a run may call it without waiting for it, and is settled',
  async (_, within) => {
    const began = world.clock.now();
    const app = await world.start([
      { events: ['x'], invoke: async () => void (await within(() => void app.runtime.close())) },
    ]);
    await app.publish('x');
    await app.runtime.close();
    expect(app.outcomes()).toEqual(['handled']);
    expect(world.clock.now()).toBe(began);
  },
);
