import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StreamsEvents } from '../../../lib/core/events.js';
import type { Delivery } from '../../../lib/core/delivery.js';
import type { HandlerOptions } from '../../../lib/options/handler-options.js';
import type { StreamsRuntime } from '../../../lib/runtime/streams-runtime.js';
import { gate, World, type EngineOptions } from '../../support/engine.js';

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.close());

const quick = { timeout: 300, backoff: { delay: 10, jitter: 0 } } as const;
const text = (delivery: Delivery): string => String(delivery.message.payload);

/** An engine whose handler never ends for payloads that begin with `stuck`, until the test opens them. */
async function engine(
  options: EngineOptions = {},
  own: HandlerOptions = quick,
  hangs = (payload: string, _: Delivery): boolean => payload.startsWith('stuck'),
) {
  const stuck = gate();
  const runs: string[] = [];
  let running = 0;
  let most = 0;
  const app = await world.start(
    [
      {
        events: ['x'],
        options: own,
        invoke: async (delivery) => {
          runs.push(text(delivery));
          most = Math.max(most, ++running);
          if (hangs(text(delivery), delivery)) await stuck.promise;
          running--;
        },
      },
    ],
    { gracePeriod: 0, ...options },
  );
  const events: StreamsEvents['overrun'][] = [];
  const ended: StreamsEvents['overrun-ended'][] = [];
  app.runtime.events.on('overrun', (event) => events.push(event));
  app.runtime.events.on('overrun-ended', (event) => ended.push(event));
  return { ...app, runs, events, ended, stuck, most: () => most };
}

describe('methods that go on after their timeout', () => {
  it('give back their places, each with an event, and the status counts them', async () => {
    const app = await engine({ concurrency: 3 });
    for (const n of [1, 2, 3]) await app.publish('x', `stuck ${n}`);
    for (const n of [1, 2, 3, 4]) await app.publish('x', `quick ${n}`);
    expect(app.runs).toEqual(['stuck 1', 'stuck 2', 'stuck 3']);
    await world.clock.advance(305);
    expect(app.runs.slice(3)).toEqual(['quick 1', 'quick 2', 'quick 3', 'quick 4']);
    expect(app.events).toMatchObject(
      [1, 2, 3].map(() => ({
        handler: 'H.h0',
        stream: 'x',
        group: 'g',
        attempt: 1,
        reason: 'timeout',
        runningFor: 300,
        slotGivenBack: true,
      })),
    );
    expect(app.runtime.overruns.list()).toMatchObject([
      { id: app.events[0]!.id, runningFor: 305 },
      { id: app.events[1]!.id },
      { id: app.events[2]!.id },
    ]);
    app.stuck.open();
    await world.settle();
    expect(app.runtime.overruns.list()).toEqual([]);
    expect(app.ended).toMatchObject([{ duration: 305 }, {}, {}]);
  });

  it('keep their places beyond maxOverrun, until one of the others ends', async () => {
    const first = gate();
    const second = gate();
    const runs: string[] = [];
    const app = await world.start(
      [
        {
          events: ['x'],
          options: quick,
          invoke: (delivery) => {
            runs.push(text(delivery));
            if (delivery.attempt > 1) return undefined;
            return text(delivery) === 'first'
              ? first.promise
              : text(delivery) === 'second' && second.promise;
          },
        },
      ],
      { concurrency: 2, maxOverrun: 1, gracePeriod: 0 },
    );
    const given: boolean[] = [];
    app.runtime.events.on('overrun', ({ slotGivenBack }) => given.push(slotGivenBack));
    await app.publish('x', 'first');
    await app.publish('x', 'second');
    await app.publish('x', 'third');
    await world.clock.advance(300);
    expect([given, runs]).toEqual([
      [true, false],
      ['first', 'second', 'third'],
    ]);
    first.open();
    await world.settle();
    expect(app.runtime.overruns.list()).toMatchObject([{ slotGivenBack: true }]);
  });

  it('give back as many places as the concurrency has, unless maxOverrun says otherwise', async () => {
    const app = await engine({ concurrency: 2 });
    for (const n of [1, 2, 3, 4]) await app.publish('x', `stuck ${n}`);
    await app.publish('x', 'quick');
    await world.clock.advance(60_000);
    expect(app.events.map(({ slotGivenBack }) => slotGivenBack)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(app.runs).toEqual(['stuck 1', 'stuck 2', 'stuck 3', 'stuck 4']);
  });

  it('all keep their places with maxOverrun 0', async () => {
    const app = await engine({ concurrency: 1, maxOverrun: 0 });
    await app.publish('x', 'stuck');
    await app.publish('x', 'quick');
    await world.clock.advance(60_000);
    expect(app.runs).toEqual(['stuck']);
    expect(app.events).toMatchObject([{ slotGivenBack: false }]);
    app.stuck.open();
    await world.settle();
    expect([...app.runs].sort()).toEqual(['quick', 'stuck', 'stuck']);
    expect(app.most()).toBe(1);
  });

  it.each([
    ['of the transport', { concurrency: 1 }, quick],
    ['of the handler', {}, { ...quick, concurrency: 1 }],
  ] as const)('never make two of a concurrency of 1 %s', async (_, options, own) => {
    const app = await engine(options, own);
    await app.publish('x', 'stuck');
    await app.publish('x', 'quick');
    await world.clock.advance(60_000);
    expect(app.runs).toEqual(['stuck']);
    app.stuck.open();
    await world.settle();
    expect(app.most()).toBe(1);
    expect(app.outcomes().filter((outcome) => outcome === 'handled')).toHaveLength(2);
  });

  it('never make two of a concurrency of 1 of a handler that shares its stream with others', async () => {
    const stuck = gate();
    const runs: string[] = [];
    const app = await world.start(
      [
        {
          events: ['x'],
          options: { ...quick, concurrency: 1, streams: ['s'] },
          invoke: (delivery) => {
            runs.push(text(delivery));
            return text(delivery) === 'stuck' && stuck.promise;
          },
        },
        {
          events: ['y'],
          options: { streams: ['s'] },
          invoke: (delivery) => void runs.push(text(delivery)),
        },
      ],
      { concurrency: 3, maxDeliveries: 1, gracePeriod: 0 },
    );
    const publish = (eventType: string, payload: string) =>
      app.runtime.producer.publish({ stream: 's', eventType, payload });
    await publish('x', 'stuck');
    await publish('x', 'waits');
    await publish('y', 'other');
    await world.clock.advance(60_000);
    expect(runs.toSorted()).toEqual(['other', 'stuck']);
    stuck.open();
    await world.settle();
    expect(runs.slice(2)).toEqual(['waits']);
  });

  it('make two of a concurrency of 1 where maxOverrun says so', async () => {
    const app = await engine({ maxOverrun: 1 }, { ...quick, concurrency: 1 });
    await app.publish('x', 'stuck 1');
    await app.publish('x', 'quick');
    await app.publish('x', 'stuck 2');
    await app.publish('x', 'never');
    await world.clock.advance(60_000);
    expect(app.runs).toEqual(['stuck 1', 'quick', 'stuck 2']);
    expect(app.events.map(({ slotGivenBack }) => slotGivenBack)).toEqual([true, false]);
  });

  it('of a serial handler leave the places of the transport to other handlers', async () => {
    const others: string[] = [];
    const app = await world.start(
      [
        {
          events: ['x'],
          options: { ...quick, concurrency: 1 },
          invoke: () => gate().promise,
        },
        { events: ['y'], invoke: (delivery) => void others.push(text(delivery)) },
      ],
      { concurrency: 2, maxDeliveries: 1, gracePeriod: 0 },
    );
    await app.publish('x');
    await app.publish('y', 'a');
    await world.clock.advance(300);
    // One more of the transport's two places would be taken by a handler that has one place itself.
    await app.publish('x');
    await app.publish('y', 'b');
    expect(others).toEqual(['a', 'b']);
  });

  it('are not told of where they end as soon as their signal says so', async () => {
    const app = await world.start(
      [
        {
          events: ['x'],
          options: { ...quick, maxDeliveries: 1 },
          invoke: ({ signal }) =>
            new Promise((_, reject) => {
              signal.addEventListener('abort', () => reject(signal.reason as Error));
            }),
        },
      ],
      {},
    );
    const events: unknown[] = [];
    app.runtime.events.on('overrun', (event) => events.push(event));
    await app.publish('x');
    await world.clock.advance(300);
    expect(app.outcomes()).toEqual(['dead-lettered']);
    expect(events).toEqual([]);
  });

  it('never make two of one key, and let other keys go on', async () => {
    const app = await engine(
      { concurrency: 2, maxDeliveries: 1 },
      { ...quick, orderBy: ({ payload }) => String(payload).split(' ')[1]! },
    );
    for (const payload of ['stuck a', 'quick a', 'stuck b', 'quick c']) {
      await app.publish('x', payload);
    }
    await world.clock.advance(60_000);
    expect(app.runs).toEqual(['stuck a', 'stuck b', 'quick c']);
    app.stuck.open();
    await world.settle();
    expect(app.runs).toEqual(['stuck a', 'stuck b', 'quick c', 'quick a']);
  });
});

describe('the next run of a message whose method goes on', () => {
  const two = async (own: HandlerOptions = quick, options: EngineOptions = {}) => {
    const a = await engine({ consumer: 'a', concurrency: 3, ...options }, own);
    await a.publish('x', 'stuck');
    const b = await engine({ consumer: 'b', concurrency: 3, ...options }, own, () => false);
    return { a, b };
  };

  it('starts in another process after the backoff, and not here', async () => {
    const { a, b } = await two();
    await world.clock.advance(310);
    expect(a.settled).toMatchObject([
      { outcome: 'retried' },
      { outcome: 'handed-over', receiver: 'b' },
    ]);
    expect([a.runs, b.runs]).toEqual([['stuck'], ['stuck']]);
    expect(b.settled).toMatchObject([{ outcome: 'handled', attempt: 2 }]);
    a.stuck.open();
    await world.clock.advance(6000);
    expect([a.runs, b.runs]).toEqual([['stuck'], ['stuck']]);
  });

  it.each([
    ['overlap: false', { overlap: false }],
    ['concurrency: 1', { concurrency: 1 }],
    ['orderBy', { orderBy: () => 'k' }],
    ['inbox', { inbox: true }],
  ])('waits for the method with %s, unless its process ends', async (_, own) => {
    const { a, b } = await two({ ...quick, ...own });
    await world.clock.advance(60_000);
    expect([a.runs, b.runs]).toEqual([['stuck'], []]);
    expect(a.outcomes()).toEqual(['retried']);
    await close(a.runtime);
    await world.clock.advance(6000);
    expect(b.settled).toMatchObject([{ outcome: 'handled', attempt: 2 }]);
  });

  it('starts here once the method has ended, where no other process has taken it', async () => {
    const app = await engine({ concurrency: 3 });
    await app.publish('x', 'stuck');
    await world.clock.advance(60_000);
    expect(app.runs).toEqual(['stuck']);
    app.stuck.open();
    await world.settle();
    expect(app.settled).toMatchObject([{ outcome: 'retried' }, { outcome: 'handled', attempt: 2 }]);
  });

  it('is a dead letter "timed-out" once all runs are used up, wherever they hang', async () => {
    const a = await engine({ consumer: 'a', concurrency: 3, maxDeliveries: 4 });
    await a.publish('x', 'stuck');
    const b = await engine({ consumer: 'b', concurrency: 3, maxDeliveries: 4 });
    await world.clock.advance(120_000);
    expect([a.runs, b.runs]).toEqual([['stuck'], ['stuck']]);
    const letters = [...a.settled, ...b.settled].filter(
      ({ outcome }) => outcome === 'dead-lettered',
    );
    expect(letters).toMatchObject([
      { reason: 'timed-out', attempt: 4, error: { name: 'HandlerTimeoutError' } },
    ]);
  });

  it('is released at shutdown like any other', async () => {
    const { a, b } = await two(quick, { maxDeliveries: 9 });
    await close(b.runtime);
    await world.clock.advance(2000);
    await close(a.runtime);
    const c = await engine({ consumer: 'c' }, quick, () => false);
    await world.settle();
    expect(c.outcomes()).toEqual(['handled']);
  });

  it('goes to a process that comes later', async () => {
    const a = await engine({ consumer: 'a' });
    await a.publish('x', 'stuck');
    await world.clock.advance(60_000);
    const b = await engine({ consumer: 'b' }, quick, () => false);
    await world.clock.advance(2000);
    expect([a.runs, b.runs]).toEqual([['stuck'], ['stuck']]);
  });

  it('may claim what it is known by: the claim of the old run is given up', async () => {
    const { b } = await two({ ...quick, dedupe: true });
    await world.clock.advance(7000);
    expect(b.outcomes().at(-1)).toBe('handled');
  });

  describe('without a registry of live consumers', () => {
    beforeEach(() => void (world = new World({ live: undefined })));

    it('starts in another process that looks for abandoned ones', async () => {
      const { a, b } = await two();
      await world.clock.advance(6000);
      expect([a.runs, b.runs]).toEqual([['stuck'], ['stuck']]);
      expect(b.settled).toMatchObject([{ outcome: 'handled', attempt: 2 }]);
      a.stuck.open();
      await world.clock.advance(6000);
      expect([a.runs, b.runs]).toEqual([['stuck'], ['stuck']]);
      expect(a.outcomes()).toEqual(['retried', 'lost']);
    });

    it('waits for the method where it is deduplicated, as no other may claim its key', async () => {
      const { a, b } = await two({ ...quick, dedupe: true });
      await world.clock.advance(7000);
      expect([a.outcomes(), b.outcomes()]).toEqual([['retried'], []]);
      a.stuck.open();
      await world.clock.advance(10);
      expect(a.outcomes()).toEqual(['retried', 'handled']);
    });

    it('is a dead letter "timed-out" once all runs are used up, wherever they hang', async () => {
      const a = await engine({ consumer: 'a', maxDeliveries: 4 });
      await a.publish('x', 'stuck');
      const b = await engine({ consumer: 'b', maxDeliveries: 4 });
      await world.clock.advance(120_000);
      const letters = [...a.settled, ...b.settled].filter(
        ({ outcome }) => outcome === 'dead-lettered',
      );
      expect(letters).toMatchObject([{ reason: 'timed-out', attempt: 4 }]);
    });
  });
});

/** Grace periods pass by the clock of the test. */
async function close(runtime: StreamsRuntime): Promise<void> {
  const closed = runtime.close();
  await world.clock.advance(10_000);
  await closed;
}
