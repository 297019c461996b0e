import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery } from '../../../lib/core/delivery.js';
import { UnrecoverableError } from '../../../lib/core/errors/handling.errors.js';
import type { HandlerOptions } from '../../../lib/options/handler-options.js';
import { ack } from '../../../lib/core/settlement.js';
import { memory } from '../../../lib/drivers/memory/index.js';
import { StreamsRuntime } from '../../../lib/runtime/streams-runtime.js';
import { gate, World, type EngineOptions, type Invoke } from '../../support/engine.js';
import { inAllSlots } from '../../support/in-all-slots.js';

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.close());

interface Order {
  readonly k?: string;
  readonly n: number;
}

const orderOf = (delivery: Delivery) => delivery.message.payload as Order;
const label = (delivery: Delivery) => `${orderOf(delivery).k}${orderOf(delivery).n}`;

/** An engine whose only handler takes orders in the order of `k`. */
function start(invoke: Invoke, options: EngineOptions = {}, own: HandlerOptions = {}) {
  return world.start([{ events: ['x'], invoke, options: { orderBy: 'k', ...own } }], options);
}

/** Notes what starts and ends; each run lasts until its gate is opened. */
function recorder() {
  const log: string[] = [];
  const gates = new Map<string, ReturnType<typeof gate<void>>>();
  const invoke: Invoke = async (delivery) => {
    log.push(`+${label(delivery)}`);
    const opened = gate();
    gates.set(label(delivery), opened);
    await opened.promise;
    log.push(`-${label(delivery)}`);
  };
  const end = async (name: string, error?: Error) => {
    if (error) gates.get(name)!.fail(error);
    else gates.get(name)!.open();
    await world.settle();
  };
  return { log, invoke, end };
}

describe('messages of one key', () => {
  it('run one after the other, beside those of other keys', async () => {
    const { log, invoke, end } = recorder();
    const app = await start(invoke);
    for (const n of [1, 2]) for (const k of ['a', 'b']) await app.publish('x', { k, n });
    expect(log).toEqual(['+a1', '+b1']);
    await end('b1');
    expect(log).toEqual(['+a1', '+b1', '-b1', '+b2']);
    await end('a1');
    await end('a2');
    await end('b2');
    expect(log.slice(4)).toEqual(['-a1', '+a2', '-a2', '-b2']);
  });

  it('wait while one of them waits for its retry, and others do not', async () => {
    const runs: string[] = [];
    let failures = 2;
    const app = await start((delivery) => {
      runs.push(label(delivery));
      if (label(delivery) === 'a1' && failures-- > 0) throw new Error('not yet');
    });
    for (const n of [1, 2]) for (const k of ['a', 'b']) await app.publish('x', { k, n });
    expect(runs).toEqual(['a1', 'b1', 'b2']);
    await world.clock.advance(10_000);
    expect(runs).toEqual(['a1', 'b1', 'b2', 'a1', 'a1', 'a2']);
  });

  it('go on once it is dead-lettered', async () => {
    const runs: string[] = [];
    const app = await start((delivery) => {
      runs.push(label(delivery));
      if (label(delivery) === 'a1') throw new UnrecoverableError();
    });
    for (const n of [1, 2]) await app.publish('x', { k: 'a', n });
    expect(runs).toEqual(['a1', 'a2']);
    expect(app.outcomes()).toEqual(['dead-lettered', 'handled']);
  });

  it('wait for a run that has outlived its timeout, also where it was its last', async () => {
    const { log, invoke, end } = recorder();
    const app = await start(invoke, { maxDeliveries: 1 }, { timeout: 100 });
    for (const n of [1, 2]) await app.publish('x', { k: 'a', n });
    await world.clock.advance(5000);
    expect([log, app.outcomes()]).toEqual([['+a1'], ['dead-lettered']]);
    await end('a1');
    expect(log).toEqual(['+a1', '-a1', '+a2']);
  });

  it('are kept in order across the handlers of a stream', async () => {
    const { log, invoke, end } = recorder();
    const options = { streams: ['s'], orderBy: 'k' };
    const app = await world.start([
      { events: ['made'], invoke, options },
      { events: ['paid'], invoke, options },
    ]);
    const publish = (eventType: string, payload: Order) =>
      app.runtime.producer.publish({ stream: 's', eventType, payload });
    await publish('made', { k: 'a', n: 1 });
    await publish('paid', { k: 'a', n: 2 });
    await world.settle();
    expect(log).toEqual(['+a1']);
    await end('a1');
    expect(log).toEqual(['+a1', '-a1', '+a2']);
  });
});

describe('the key', () => {
  it.each<[string, HandlerOptions['orderBy'], unknown, unknown]>([
    [
      'a path',
      'order.customer.id',
      { order: { customer: { id: 7 } } },
      { order: { customer: { id: '7' } } },
    ],
    ['a path into a list', 'items.0', { items: ['a'] }, { items: ['a', 'b'] }],
    ['a function', ({ payload }) => String(payload).length, 'ab', 'cd'],
    ['an object', 'k', { k: { a: 1 } }, { k: { a: 1 } }],
    ['an empty text', 'k', { k: '' }, { k: '' }],
  ])('may be %s', async (_name, orderBy, first, second) => {
    let runs = 0;
    const stuck = gate();
    const app = await start(() => (runs++, stuck.promise), {}, { orderBy });
    await app.publish('x', first);
    await app.publish('x', second);
    expect(runs).toBe(1);
    stuck.open();
    await world.settle();
    expect(runs).toBe(2);
  });

  it.each([{}, { k: null }, 'text', null, [1]])(
    'may be missing: %j is in no order',
    async (payload) => {
      let runs = 0;
      const stuck = gate();
      const app = await start(() => (runs++, stuck.promise));
      await app.publish('x', payload);
      await app.publish('x', payload);
      expect(runs).toBe(2);
      stuck.open();
    },
  );

  it('that cannot be had makes a dead letter, and nothing waits for it', async () => {
    const runs: string[] = [];
    const orderBy = ({ payload }: { payload: unknown }) => {
      const { k } = payload as Order;
      if (k === 'bad') throw new TypeError('no key');
      return k;
    };
    const app = await start((delivery) => void runs.push(label(delivery)), {}, { orderBy });
    await app.publish('x', { k: 'bad', n: 1 });
    await app.publish('x', { k: 'a', n: 1 });
    expect(runs).toEqual(['a1']);
    expect(app.settled[0]).toMatchObject({
      outcome: 'dead-lettered',
      reason: 'unrecoverable',
      error: { name: 'TypeError', message: 'no key' },
    });
  });

  it('of an entry that cannot be read is not asked for', async () => {
    const app = await start(() => undefined);
    const [id] = await app.runtime.driver.source.publish([
      { stream: 'x', fields: ['event_type', 'x', 'payload', '{'] },
    ]);
    await world.settle();
    expect(app.settled).toMatchObject([{ id, outcome: 'dead-lettered', reason: 'undecodable' }]);
  });

  it('does not hold up what was redriven', async () => {
    const { log, invoke, end } = recorder();
    const app = await start(invoke);
    await app.publish('x', { k: 'a', n: 1 });
    await end('a1', new UnrecoverableError());
    await app.publish('x', { k: 'a', n: 2 });
    await app.runtime.admin.deadLetters.redrive('x', { all: true });
    await world.clock.advance(6000);
    expect(log).toEqual(['+a1', '+a2', '+a1']);
  });
});

describe('what waits', () => {
  it('pauses reading at maxParked, and is read on later', async () => {
    const runs: string[] = [];
    const paused: number[] = [];
    let resumed = 0;
    let failing = true;
    const app = await start(
      (delivery) => {
        runs.push(label(delivery));
        if (failing && orderOf(delivery).k === 'a') throw new Error('not yet');
      },
      { maxParked: 3, batchSize: 2, maxDeliveries: 100, backoff: { maxDelay: 1000, jitter: 0 } },
    );
    app.runtime.events.on('reading-paused', ({ parked }) => paused.push(parked));
    app.runtime.events.on('reading-resumed', () => resumed++);
    for (let n = 1; n <= 20; n++) await app.publish('x', { k: 'a', n });
    for (let n = 1; n <= 3; n++) await app.publish('x', { k: 'b', n });
    await world.clock.advance(3000);
    expect(new Set(runs)).toEqual(new Set(['a1']));
    expect(paused.length).toBeGreaterThan(0);
    expect(Math.min(...paused)).toBeGreaterThanOrEqual(3);
    // No more than it may hold, and what one read brings.
    const [unfinished] = world.broker.unfinished();
    expect(unfinished!.ready).toBeGreaterThanOrEqual(23 - 3 - 2 - 1);
    failing = false;
    await world.clock.advance(20_000);
    expect(resumed).toBeGreaterThan(0);
    expect(runs.filter((run) => run.startsWith('b'))).toEqual(['b1', 'b2', 'b3']);
    const others = runs.filter((run) => run.startsWith('a') && run !== 'a1');
    expect(others).toEqual(Array.from({ length: 19 }, (_, index) => `a${index + 2}`));
  });

  it('is kept fresh, and released at shutdown for the next owner', async () => {
    const { log, invoke } = recorder();
    const app = await start(invoke, { gracePeriod: 0 });
    for (const n of [1, 2, 3]) await app.publish('x', { k: 'a', n });
    await world.clock.advance(120_000);
    const closing = app.runtime.close();
    await world.clock.advance(1000);
    await closing;
    expect(log).toEqual(['+a1']);
    const runs: [string, number][] = [];
    await start((delivery) => void runs.push([label(delivery), delivery.attempt]));
    await world.clock.advance(1000);
    expect(runs).toEqual([
      ['a1', 1],
      ['a2', 1],
      ['a3', 1],
    ]);
  });
});

describe('one process at a time', () => {
  const idleTimeout = 3000;

  it('runs what a group has, and another one takes over at once when it shuts down', async () => {
    const runs: string[] = [];
    const by =
      (name: string): Invoke =>
      (delivery) =>
        void runs.push(`${name}${label(delivery)}`);
    const first = await start(by('1'), { idleTimeout });
    const second = await start(by('2'), { idleTimeout });
    for (const n of [1, 2]) await first.publish('x', { k: 'a', n });
    await world.clock.advance(20_000);
    expect(runs).toEqual(['1a1', '1a2']);
    await first.runtime.close();
    await second.publish('x', { k: 'a', n: 3 });
    await world.clock.advance(500);
    expect(runs).toEqual(['1a1', '1a2', '2a3']);
  });

  it('is by group', async () => {
    const runs: string[] = [];
    const by =
      (name: string): Invoke =>
      (delivery) =>
        void runs.push(`${name}${label(delivery)}`);
    const app = await start(by('1'), { group: 'one' });
    await start(by('2'), { group: 'two' });
    await app.publish('x', { k: 'a', n: 1 });
    expect(runs.sort()).toEqual(['1a1', '2a1']);
  });

  it('that lost its lease is told, settles nothing, and begins anew once its runs have ended', async () => {
    const { log, invoke, end } = recorder();
    const app = await start(invoke, { idleTimeout, gracePeriod: 100_000 });
    const lost: unknown[] = [];
    const acquired: number[] = [];
    app.runtime.events.on('stream-lost', (event) => lost.push(event));
    app.runtime.events.on('stream-acquired', ({ token }) => acquired.push(token));
    for (const n of [1, 2]) await app.publish('x', { k: 'a', n });
    await takeLeaseAndLetGo();
    await world.clock.advance(idleTimeout);
    expect(lost).toEqual([{ stream: 'x', group: 'g' }]);
    expect(log).toEqual(['+a1']);
    await end('a1');
    await world.clock.advance(idleTimeout);
    expect(acquired).toHaveLength(1);
    // Its first run was not settled, so it runs once more before the next one.
    expect(log).toEqual(['+a1', '-a1', '+a1']);
    expect(app.outcomes()).toEqual(['lost', 'lost']);
    await end('a1');
    await end('a2');
    expect(log).toEqual(['+a1', '-a1', '+a1', '-a1', '+a2', '-a2']);
  });

  /** As if the owner had been frozen, and another one had come and gone. */
  async function takeLeaseAndLetGo(): Promise<void> {
    const leases = world.runtime().driver.leases!;
    const name = { stream: 'x', name: 'g' };
    const { key } = leases.guard({ ...name, owner: '', token: 0 });
    const token = Number(world.broker.marks.get(key));
    expect(await leases.release({ ...name, owner: '', token })).toBe(true);
  }
});

describe('a pause', () => {
  const readings = (app: Awaited<ReturnType<typeof start>>) => app.runtime.consumers.find('x');
  const pause = (app: Awaited<ReturnType<typeof start>>) =>
    app.runtime.consumers.pause(readings(app));
  const resume = (app: Awaited<ReturnType<typeof start>>) =>
    app.runtime.consumers.resume(readings(app));

  it('lets what runs go on, and nothing start; afterwards all goes on in order', async () => {
    const { log, invoke, end } = recorder();
    const app = await start(invoke);
    for (const n of [1, 2]) await app.publish('x', { k: 'a', n });
    await pause(app);
    await app.publish('x', { k: 'a', n: 3 });
    await world.clock.advance(60_000);
    expect(log).toEqual(['+a1']);
    expect(app.outcomes()).toEqual(['released']);
    await end('a1');
    await world.clock.advance(60_000);
    expect(log).toEqual(['+a1', '-a1']);
    await resume(app);
    await world.clock.advance(1000);
    for (const name of ['a2', 'a3']) await end(name);
    expect(log).toEqual(['+a1', '-a1', '+a2', '-a2', '+a3', '-a3']);
  });

  it('that is over before what ran has ended lets nothing overtake it', async () => {
    const { log, invoke, end } = recorder();
    const app = await start(invoke);
    for (const n of [1, 2]) await app.publish('x', { k: 'a', n });
    await pause(app);
    await resume(app);
    await world.clock.advance(60_000);
    expect(log).toEqual(['+a1']);
    await end('a1');
    await world.clock.advance(1000);
    await end('a2');
    expect(log).toEqual(['+a1', '-a1', '+a2', '-a2']);
  });

  it('releases a retry that waits, and what waits for it', async () => {
    const { log, invoke, end } = recorder();
    const app = await start(invoke);
    for (const n of [1, 2]) await app.publish('x', { k: 'a', n });
    await end('a1', new Error('busy'));
    await pause(app);
    await world.clock.advance(60_000);
    expect(log).toEqual(['+a1']);
    await resume(app);
    await world.clock.advance(1000);
    for (const name of ['a1', 'a2']) await end(name);
    expect(log).toEqual(['+a1', '+a1', '-a1', '+a2', '-a2']);
    expect(app.settled.at(-1)).toMatchObject({ outcome: 'handled', attempt: 1 });
  });

  it('hands the stream over to another process, once nothing runs', async () => {
    const { log, invoke, end } = recorder();
    const app = await start(invoke);
    const others: string[] = [];
    const second = await start((delivery) => void others.push(label(delivery)));
    for (const n of [1, 2]) await app.publish('x', { k: 'a', n });
    await pause(app);
    await world.clock.advance(60_000);
    expect(others).toEqual([]);
    await end('a1');
    await world.clock.advance(1000);
    expect(log).toEqual(['+a1', '-a1']);
    expect(others).toEqual(['a2']);
    await second.runtime.close();
    await app.publish('x', { k: 'a', n: 3 });
    await world.clock.advance(60_000);
    expect(log).toHaveLength(2);
    await resume(app);
    await world.clock.advance(1000);
    expect(log.at(-1)).toBe('+a3');
    await end('a3');
  });

  it('of who waits for the stream lasts when it becomes free', async () => {
    const first = await start(() => undefined);
    const runs: string[] = [];
    const second = await start((delivery) => void runs.push(label(delivery)));
    await pause(second);
    await first.runtime.close();
    await second.publish('x', { k: 'a', n: 1 });
    await world.clock.advance(60_000);
    expect(runs).toEqual([]);
    await resume(second);
    await world.clock.advance(1000);
    expect(runs).toEqual(['a1']);
  });
});

describe('handlers that join', () => {
  const of = (events: string[], invoke: Invoke, options: HandlerOptions) => ({
    name: events.join(),
    events,
    options: { streams: ['s'], ...options },
    invoke: async (delivery: Delivery) => {
      await invoke(delivery);
      return ack;
    },
  });

  it('share the keys of those that are there', async () => {
    const { log, invoke, end } = recorder();
    const runtime = world.runtime();
    await runtime.start([of(['made'], invoke, { orderBy: 'k' })]);
    await runtime.subscribe([of(['paid'], invoke, { orderBy: 'k' })]);
    for (const [n, eventType] of ['made', 'paid'].entries()) {
      await runtime.producer.publish({ stream: 's', eventType, payload: { k: 'a', n } });
    }
    await world.settle();
    expect(log).toEqual(['+a0']);
    await end('a0');
    await end('a1');
    expect(log).toEqual(['+a0', '-a0', '+a1', '-a1']);
  });

  it.each([
    [{ orderBy: 'k' }, {}],
    [{}, { orderBy: 'k' }],
  ])('are refused where some are in order and others are not: %j, %j', async (there, joining) => {
    const runtime = world.runtime();
    const invoke = () => undefined;
    await runtime.start([of(['made'], invoke, there)]);
    const joined = runtime.subscribe([of(['paid'], invoke, joining)]);
    await expect(joined).rejects.toMatchObject({ code: 'ORDER_CONFLICT' });
    // Nor beside it, under another name.
    const beside = { ...runtime.options, consumer: 'another' };
    const apart = runtime.subscribe([of(['paid'], invoke, joining)], beside);
    await expect(apart).rejects.toMatchObject({ code: 'ORDER_CONFLICT' });
  });
});

describe('refused at start-up:', () => {
  it('an order of batches', async () => {
    const starting = start(() => undefined, {}, { batch: { size: 2 } });
    await expect(starting).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('batch and orderBy'),
    });
  });

  it('a stream of which some handlers are in order and others are not', async () => {
    const handlers = [
      { events: ['made'], invoke: () => undefined, options: { streams: ['s'], orderBy: 'k' } },
      { events: ['paid'], invoke: () => undefined, options: { streams: ['s'] } },
    ];
    await expect(world.start(handlers)).rejects.toMatchObject({ code: 'ORDER_CONFLICT' });
  });

  it('an order of requests', async () => {
    const runtime = world.runtime();
    const invoke = async () => ({ kind: 'ack' }) as const;
    const ordered = { name: 'O', events: ['x'], options: { orderBy: 'k' }, invoke };
    const starting = runtime.start([{ ...ordered, answers: true }]);
    await expect(starting).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    const answering = { name: 'R', events: ['y'], options: { streams: ['x'] }, invoke };
    const mixed = world.runtime().start([ordered, { ...answering, answers: true }]);
    await expect(mixed).rejects.toMatchObject({ code: 'ORDER_CONFLICT' });
  });

  it.each(['', 'a..b', '.a', 7, null])('orderBy %j', async (orderBy) => {
    const starting = start(() => undefined, {}, { orderBy: orderBy as string });
    await expect(starting).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });

  it('a driver without leases', async () => {
    const factory = memory({ broker: world.broker });
    const open: typeof factory.open = (context) => {
      const { leases: _, ...others } = factory.open(context);
      return others;
    };
    const runtime = new StreamsRuntime({ slots: inAllSlots({ ...factory, open }), group: 'g' });
    const invoke = async () => ack;
    const starting = runtime.start([
      { name: 'O', events: ['x'], options: { orderBy: 'k' }, invoke },
    ]);
    await expect(starting).rejects.toMatchObject({ code: 'UNSUPPORTED_FEATURE' });
  });
});
