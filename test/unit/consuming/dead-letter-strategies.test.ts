import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memory } from '../../../lib/drivers/memory/index.js';
import type { Delivery } from '../../../lib/core/delivery.js';
import type { StreamsEvents } from '../../../lib/core/events.js';
import type { DeadLetterStrategy } from '../../../lib/core/dead-letter-strategy.js';
import type { HandlerOptions } from '../../../lib/options/handler-options.js';
import type { Slots } from '../../../lib/options/slots-options.js';
import type { StreamsRuntime } from '../../../lib/runtime/streams-runtime.js';
import { gate, World, type EngineHandler, type EngineOptions } from '../../support/engine.js';
import { wrongly } from '../../support/stand-in.js';

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.close());

const fails = (): void => {
  throw new Error('no stock');
};

const failing = (options: HandlerOptions = {}, events = 'paid'): EngineHandler => ({
  events: [events],
  invoke: fails,
  options: { maxDeliveries: 1, ...options },
});

async function started(handlers: EngineHandler[], options: EngineOptions = {}) {
  const engine = await world.start(handlers, options);
  const { runtime } = engine;
  const list = <N extends keyof StreamsEvents>(name: N): StreamsEvents[N][] => {
    const events: StreamsEvents[N][] = [];
    runtime.events.on(name, (event) => events.push(event));
    return events;
  };
  const all = { dropped: list('messages-dropped'), failed: list('strategy-failed') };
  return { ...engine, ...all, gaveUp: list('dead-lettered'), letters: lettersOf(runtime) };
}

const lettersOf = (runtime: StreamsRuntime) => async (stream: string) =>
  (await runtime.admin.deadLetters.list(stream)).items.map(({ id, reason }) => [id, reason]);

const pendingOf = async (runtime: StreamsRuntime, stream: string): Promise<number> =>
  (await runtime.driver.groups!.describe([stream]))[0]!.groups[0]!.pending;

describe('drop', () => {
  it('acknowledges, counts each message, and tells once of each kind', async () => {
    const { runtime, publish, settled, dropped, gaveUp, letters } = await started(
      [failing(), failing({ maxDeliveries: 2 }, 'sent')],
      { deadLetter: 'drop' },
    );
    const [first] = [await publish('paid'), await publish('paid')];
    const sent = await publish('sent');
    await world.clock.advance(1000);
    const outcomes = settled.map(({ outcome, reason }) => [outcome, reason]);
    const drop = ['dropped', 'max-deliveries'];
    expect(outcomes).toEqual([drop, drop, ['retried', undefined], drop]);
    expect(gaveUp.map(({ outcome }) => outcome)).toEqual(['dropped', 'dropped', 'dropped']);
    expect(dropped.map(({ id, eventType, reason }) => [id, eventType, reason])).toEqual([
      [first, 'paid', 'max-deliveries'],
      [sent, 'sent', 'max-deliveries'],
    ]);
    expect(dropped[0]!.error).toEqual(gaveUp[0]!.error);
    expect(dropped[0]!.error).toBeDefined();
    expect(await letters('paid')).toEqual([]);
    expect(await pendingOf(runtime, 'paid')).toBe(0);
  });

  it('of a handler goes before that of the transport', async () => {
    const { publish, outcomes } = await started(
      [failing(), failing({ deadLetter: 'queue' }, 'sent')],
      { deadLetter: 'drop' },
    );
    await publish('paid');
    await publish('sent');
    expect(outcomes()).toEqual(['dropped', 'dead-lettered']);
  });

  it('counts for messages without a handler where the transport says so', async () => {
    const { runtime, outcomes } = await started([failing({ deadLetter: 'queue' })], {
      deadLetter: 'drop',
      unmatched: 'dead-letter',
    });
    await runtime.producer.publish({ eventType: 'other', stream: 'paid', payload: {} });
    await world.settle();
    await world.clock.advance(60_000);
    expect(outcomes()).toEqual(['dropped']);
  });

  it('decides for each item of a batch', async () => {
    const { publish, settled } = await started([
      {
        events: ['paid'],
        invoke: fails,
        invokeBatch: async ([first]) => {
          first!.failed = { error: new Error('bad') };
        },
        options: { maxDeliveries: 1, deadLetter: 'drop', batch: { size: 2 } },
      },
    ]);
    await publish('paid');
    await publish('paid');
    expect(settled.map(({ outcome }) => outcome).sort()).toEqual(['dropped', 'handled']);
  });

  it('lets the next message of its key go on', async () => {
    const runs: string[] = [];
    const invoke = ({ message }: Delivery): void => {
      runs.push(String(message.payload));
      if (message.payload === 1) fails();
    };
    const orderBy = (): string => 'same';
    const options = { maxDeliveries: 1, deadLetter: 'drop', orderBy } as const;
    const { publish } = await started([{ events: ['paid'], invoke, options }]);
    await publish('paid', 1);
    await publish('paid', 2);
    await world.clock.advance(0);
    expect(runs).toEqual(['1', '2']);
  });

  it('drops nothing that another consumer has', async () => {
    const held = gate();
    const invoke = async ({ attempt }: Delivery): Promise<void> => {
      if (attempt > 1) return;
      await held.promise;
      fails();
    };
    const handler = { events: ['paid'], invoke, options: { maxDeliveries: 1, deadLetter: 'drop' } };
    const { runtime, publish, outcomes } = await started([handler as EngineHandler]);
    const id = await publish('paid');
    const to = { consumer: 'other', minIdleMs: 0, ids: [id] };
    await runtime.driver.pending!.claim('paid', 'g', to);
    held.open();
    await world.settle();
    expect(outcomes()).toEqual(['lost']);
    expect(await pendingOf(runtime, 'paid')).toBe(1);
  });
});

describe('without a dead letter queue', () => {
  const slots = () => ({ deadLetterQueue: wrongly<undefined>(undefined) });
  beforeEach(() => void (world = new World({ deadLetters: undefined, held: undefined })));

  it('an unset strategy is drop, with a warning', async () => {
    const runtime = world.runtime({ slots: slots() });
    const warnings: string[] = [];
    runtime.events.on('warning', ({ code }) => warnings.push(code));
    const outcomes: string[] = [];
    runtime.events.on('settled', ({ outcome }) => outcomes.push(outcome));
    const invoke = async (): Promise<never> => {
      throw new Error('no');
    };
    const options = { maxDeliveries: 1 };
    await runtime.start([{ name: 'Orders.pay', events: ['paid'], options, invoke }]);
    await runtime.producer.publish({ eventType: 'paid', payload: {} });
    await world.settle();
    expect([warnings, outcomes]).toEqual([['NO_DEAD_LETTER_QUEUE'], ['dropped']]);
  });

  it('no warning where the option says drop', async () => {
    const runtime = world.runtime({ slots: slots(), deadLetter: 'drop' });
    const warnings: string[] = [];
    runtime.events.on('warning', ({ code }) => warnings.push(code));
    await runtime.start([]);
    expect(warnings).toEqual([]);
  });

  it.each<[string, EngineHandler, EngineOptions]>([
    ['of a handler', failing({ deadLetter: 'queue' }), {}],
    ['of the transport', failing({ deadLetter: 'drop' }), { deadLetter: 'queue' }],
  ])('queue %s fails at start', async (_, handler, options) => {
    await expect(world.start([handler], { slots: slots(), ...options })).rejects.toMatchObject({
      code: 'MISSING_SLOT',
      slot: 'deadLetterQueue',
      message: expect.stringContaining('deadLetterQueue: redis') as string,
    });
  });

  it('a slot with a queue is a queue', async () => {
    const handler = failing({ deadLetter: 'queue' });
    const { publish, outcomes } = await started([handler], {
      slots: { deadLetterQueue: memory() },
    });
    await publish('paid');
    expect(outcomes()).toEqual(['dead-lettered']);
  });

  it('a function that fails drops, and says so', async () => {
    const { publish, outcomes, failed } = await started([failing({ deadLetter: fails as never })], {
      slots: slots(),
    });
    await publish('paid');
    expect(outcomes()).toEqual(['dropped']);
    expect(failed.map(({ action }) => action)).toEqual(['drop']);
  });
});

describe('forward', () => {
  it('publishes the message to the other stream, with its origin in the metadata', async () => {
    const got: Delivery['message'][] = [];
    const { runtime, publish, settled, letters } = await started([
      failing({ deadLetter: { forward: 'failed-orders' }, maxDeliveries: 2 }),
      {
        events: ['paid'],
        options: { streams: ['failed-orders'] },
        invoke: ({ message }) => void got.push(message),
      },
    ]);
    const id = await runtime.producer.publish({
      eventType: 'paid',
      payload: { total: 3 },
      metadata: { traceparent: 't' },
    });
    await world.clock.advance(1000);
    expect(settled.map(({ outcome, forwardedTo }) => [outcome, forwardedTo])).toEqual([
      ['retried', undefined],
      ['forwarded', 'failed-orders'],
      ['handled', undefined],
    ]);
    expect(got[0]).toMatchObject({ eventType: 'paid', payload: { total: 3 } });
    expect(got[0]!.metadata).toEqual({
      traceparent: 't',
      'dead-letter-stream': 'paid',
      'dead-letter-id': id,
      'dead-letter-group': 'g',
      'dead-letter-reason': 'max-deliveries',
      'dead-letter-attempts': '2',
      'dead-letter-error': 'Error: no stock',
      'dead-letter-hops': '1',
    });
    expect(await letters('paid')).toEqual([]);
    expect(await pendingOf(runtime, 'paid')).toBe(0);
    await publish('nothing');
  });

  it('keeps the fields as they are, also those that no codec can read', async () => {
    const { runtime, outcomes } = await started([failing({ deadLetter: { forward: 'odd' } })]);
    const fields = ['event_type', 'paid', 'payload', '{broken', 'own', 'x'];
    await runtime.driver.source.publish([
      { stream: 'paid', fields },
      { stream: 'paid', fields: ['event_type', 'paid', 'payload', '12345678901234567890'] },
    ]);
    await world.settle();
    expect(outcomes()).toEqual(['forwarded', 'forwarded']);
    const odd = world.broker.stream('odd').log.entries.first()!;
    expect(odd.fields.slice(0, 7)).toEqual([...fields, 'metadata']);
    expect(JSON.parse(odd.fields[7]!)).toMatchObject({ 'dead-letter-reason': 'undecodable' });
  });

  it('asks a function for the stream', async () => {
    const forward = ({ reason, error }: { reason: string; error?: { message: string } }) =>
      `failed-${reason}-${error!.message.length}`;
    const { publish, settled } = await started([failing({ deadLetter: { forward } })]);
    await publish('paid');
    expect(settled.at(-1)!.forwardedTo).toBe('failed-max-deliveries-8');
  });

  it.each([undefined, '', 7, Promise.resolve('x')])(
    'a function that answers %s no stream: the message is queued',
    async (answer) => {
      const forward = wrongly<() => string>(() => answer);
      const { publish, outcomes, failed } = await started([failing({ deadLetter: { forward } })]);
      await publish('paid');
      expect(outcomes()).toEqual(['dead-lettered']);
      expect(failed).toMatchObject([{ action: 'queue', error: { code: 'INVALID_OPTIONS' } }]);
    },
  );

  it.each<[string, DeadLetterStrategy]>([
    ['a function that rejects', { forward: async () => fails() } as never],
    ['what a function answers', () => ({ forward: async () => fails() }) as never],
    [
      'a promise in place of a stream',
      () => ({ forward: Promise.reject(new Error('no')) }) as never,
    ],
  ])('%s leaves no rejection behind: the message is queued', async (_, deadLetter) => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const { publish, outcomes, failed } = await started([failing({ deadLetter })]);
    await publish('paid');
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
    expect(outcomes()).toEqual(['dead-lettered']);
    expect(failed).toMatchObject([{ action: 'queue', error: { code: 'INVALID_OPTIONS' } }]);
  });

  it('a circle of two methods fails at start, and names both', async () => {
    const handler = (name: string, from: string, to: string): EngineHandler => ({
      ...failing({ streams: [from], deadLetter: { forward: to } }),
      name,
    });
    const circle = [handler('A.one', 'a', 'b'), handler('B.two', 'b', 'a')];
    await expect(world.start(circle)).rejects.toMatchObject({
      code: 'FORWARD_CYCLE',
      message: expect.stringMatching(/A\.one from "a" to B\.two from "b" to "a"/),
    });
    await expect(world.start([handler('A.one', 'a', 'a')])).rejects.toMatchObject({
      code: 'FORWARD_CYCLE',
    });
    await world.start([handler('A.one', 'a', 'b'), handler('B.two', 'b', 'c')]);
  });

  it('a circle that no start can see ends after eight hops in the queue', async () => {
    const to = (stream: string): DeadLetterStrategy => ({ forward: () => stream });
    const { runtime, outcomes, failed, letters } = await started([
      failing({ streams: ['a'], deadLetter: to('b') }),
      failing({ streams: ['b'], deadLetter: () => ({ forward: 'a' }) }),
    ]);
    await runtime.producer.publish({ stream: 'a', eventType: 'paid', payload: {} });
    await world.clock.advance(1000);
    expect(outcomes()).toEqual([...Array<string>(8).fill('forwarded'), 'dead-lettered']);
    expect(failed).toMatchObject([{ action: 'queue', error: { code: 'FORWARD_LIMIT' } }]);
    expect(await letters('a')).toHaveLength(1);
  });

  it('never to the stream of the message itself', async () => {
    const { runtime, outcomes } = await started(
      [failing({ streams: ['failed'], deadLetter: 'queue' })],
      { deadLetter: { forward: 'failed' }, unmatched: 'dead-letter' },
    );
    await runtime.producer.publish({ stream: 'failed', eventType: 'other', payload: {} });
    await world.clock.advance(60_000);
    expect(outcomes()).toEqual(['dead-lettered']);
  });
});

describe('a function', () => {
  it('decides for each message, by its record and fields', async () => {
    const asked: unknown[] = [];
    const { publish, outcomes } = await started([
      failing({
        deadLetter: async (record, fields) => {
          asked.push([record.reason, record.attempts, record.stream, fields[3]]);
          if (fields[3] === '1') return 'drop';
          return fields[3] === '2' ? { forward: 'other' } : 'queue';
        },
      }),
    ]);
    for (const payload of [1, 2, 3]) await publish('paid', payload);
    expect(outcomes()).toEqual(['dropped', 'forwarded', 'dead-lettered']);
    expect(asked[0]).toEqual(['max-deliveries', 1, 'paid', '1']);
  });

  it.each<[string, () => unknown]>([
    ['throws', fails],
    ['rejects', async () => fails()],
    ['answers nothing', () => undefined],
    ['answers no strategy', () => 'queued'],
    ['answers a promise of none', async () => ({ forward: '' })],
  ])('that %s: the message is queued, and an event tells of it', async (_, decide) => {
    const { publish, outcomes, failed } = await started([
      failing({ deadLetter: wrongly<DeadLetterStrategy>(decide) }),
    ]);
    const id = await publish('paid');
    expect(outcomes()).toEqual(['dead-lettered']);
    expect(failed).toMatchObject([{ id, handler: 'H.h0', action: 'queue' }]);
  });

  it('that never answers holds up nothing else, and the message is queued in the end', async () => {
    const { publish, settled, failed } = await started([
      failing({ deadLetter: () => new Promise(() => {}) }),
      { events: ['sent'], invoke: () => undefined },
    ]);
    await publish('paid');
    await publish('sent');
    expect(settled.map(({ outcome }) => outcome)).toEqual(['handled']);
    await world.clock.advance(30_000);
    expect(settled.map(({ outcome }) => outcome)).toEqual(['handled', 'dead-lettered']);
    expect(failed).toHaveLength(1);
  });

  it('is awaited by a shutdown', async () => {
    const decision = gate<'drop'>();
    const { runtime, publish, outcomes } = await started([
      failing({ deadLetter: () => decision.promise }),
    ]);
    await publish('paid');
    const closed = runtime.close();
    await world.settle();
    decision.open('drop');
    await world.settle();
    await world.clock.advance(0);
    await closed;
    expect(outcomes()).toEqual(['dropped']);
  });

  it.each<[string, (decide: (answer: 'drop') => void) => void]>([
    ['answers after the shutdown', (decide) => decide('drop')],
    ['never answers', () => undefined],
  ])('that %s leaves the message pending, and no work behind', async (_, late) => {
    const decision = gate<'drop'>();
    const { runtime, publish, outcomes, failed } = await started(
      [failing({ deadLetter: () => decision.promise })],
      { gracePeriod: 500 },
    );
    const errors: unknown[] = [];
    runtime.events.on('worker-error', (event) => errors.push(event));
    await publish('paid');
    const closed = runtime.close();
    await world.clock.advance(5000);
    await closed;
    late(decision.open);
    await world.clock.advance(60_000);
    expect([outcomes(), errors, failed]).toEqual([[], [], []]);
    const next = await world.start([{ events: ['paid'], invoke: () => undefined }]);
    await world.clock.advance(60_000);
    expect(next.outcomes()).toEqual(['handled']);
  });

  it('that never answers holds up no shutdown on a clock that stands still', async () => {
    const { runtime, publish, outcomes } = await started([
      failing({ deadLetter: () => new Promise(() => {}) }),
    ]);
    await publish('paid');
    await runtime.close();
    expect(outcomes()).toEqual([]);
  });

  it('gets copies', async () => {
    const { runtime, publish } = await started([
      failing({
        deadLetter: wrongly<DeadLetterStrategy>((record: { id: string }, fields: string[]) => {
          record.id = 'x';
          fields.length = 0;
          return 'queue';
        }),
      }),
    ]);
    const id = await publish('paid', 5);
    const [letter] = (await runtime.admin.deadLetters.list('paid')).items;
    expect(letter).toMatchObject({ id, payload: 5 });
  });
});

describe('hold', () => {
  const held = async (runtime: StreamsRuntime) =>
    (await runtime.admin.heldMessages.list('paid', 'g')).items;

  it('keeps the message pending, lists it, and runs it again once it is released', async () => {
    const { runtime, publish, settled, gaveUp, letters } = await started(
      [failing({ maxDeliveries: 2 })],
      { deadLetter: 'hold' },
    );
    const id = await publish('paid', { total: 3 });
    await world.clock.advance(1000);
    expect(settled.map(({ outcome }) => outcome)).toEqual(['retried', 'held']);
    expect(gaveUp.map(({ outcome }) => outcome)).toEqual(['held']);
    expect(await letters('paid')).toEqual([]);
    expect(await pendingOf(runtime, 'paid')).toBe(1);
    expect(await held(runtime)).toMatchObject([
      {
        ...{ stream: 'paid', id, group: 'g', attempts: 2, reason: 'max-deliveries' },
        ...{ error: { message: 'no stock' }, eventType: 'paid', payload: { total: 3 } },
      },
    ]);
    await world.clock.advance(600_000);
    expect(settled).toHaveLength(2);
    expect(await runtime.admin.heldMessages.release('paid', { group: 'g' })).toBe(1);
    await world.clock.advance(10_000);
    expect(settled.slice(2).map(({ outcome, attempt }) => [outcome, attempt])).toEqual([
      ['retried', 1],
      ['held', 2],
    ]);
    expect(await held(runtime)).toMatchObject([{ id, attempts: 2 }]);
  });

  it('survives a restart: neither the same consumer nor another runs the message', async () => {
    const handlers = [failing({ deadLetter: 'hold' })];
    const first = await started(handlers, { consumer: 'a' });
    await first.publish('paid');
    await first.publish('paid');
    await first.runtime.close();
    const [again, peer] = [
      await started(handlers, { consumer: 'a' }),
      await started(handlers, { consumer: 'b' }),
    ];
    await world.clock.advance(600_000);
    expect([...again.settled, ...peer.settled]).toEqual([]);
    const items = await held(peer.runtime);
    expect(items).toHaveLength(2);
    const ids = [items[1]!.heldId];
    expect(await peer.runtime.admin.heldMessages.release('paid', { ids })).toBe(1);
    await world.clock.advance(10_000);
    const outcomes = [...again.settled, ...peer.settled].map(({ outcome, id }) => [outcome, id]);
    expect(outcomes).toEqual([['held', items[1]!.id]]);
  });

  it('lets the next message of its key go on, also in another process', async () => {
    const runs: string[] = [];
    const invoke = ({ message }: Delivery): void => {
      runs.push(String(message.payload));
      if (message.payload === 1) fails();
    };
    const orderBy = (): string => 'same';
    const options = { maxDeliveries: 1, deadLetter: 'hold', orderBy } as const;
    const handlers = [{ events: ['paid'], invoke, options, name: 'H.ordered' }];
    const { runtime, publish } = await started(handlers, { consumer: 'a' });
    await publish('paid', 1);
    await publish('paid', 2);
    await world.clock.advance(0);
    expect(runs).toEqual(['1', '2']);
    await runtime.close();
    const next = await started(handlers, { consumer: 'b' });
    await next.publish('paid', 3);
    await world.clock.advance(600_000);
    expect(runs).toEqual(['1', '2', '3']);
  });

  it.each<[string, Partial<Slots>, string[]]>([
    ['the queue', {}, ['dead-lettered', 'held']],
    ['the queue of the slot', { deadLetterQueue: memory() }, ['dead-lettered', 'held']],
    ['nothing', { deadLetterQueue: undefined } as never, ['dropped', 'held']],
  ])('of a message whose data is gone leads to %s, and is told so', async (_, slots, expected) => {
    if (expected[0] === 'dropped') world = new World({ deadLetters: undefined });
    const invoke = ({ id, message }: Delivery): void => {
      if (message.payload === 1) world.broker.deleteEntry('paid', id);
      fails();
    };
    const options = { maxDeliveries: 1, deadLetter: 'hold' } as const;
    const handlers: EngineHandler[] = [{ events: ['paid'], invoke, options }];
    const { runtime, publish, settled, gaveUp, letters } = await started(handlers, { slots });
    const gone = await publish('paid', 1);
    const kept = await publish('paid', 2);
    await world.clock.advance(1000);
    expect(settled.map(({ outcome }) => outcome).sort()).toEqual(expected);
    expect(gaveUp.map(({ outcome }) => outcome).sort()).toEqual(expected);
    expect((await held(runtime)).map(({ id }) => id)).toEqual([kept]);
    if (expected[0] === 'dropped') return;
    expect(await letters('paid')).toEqual([[gone, 'max-deliveries']]);
    expect((await runtime.slots.deadLetters!.list('paid', 10)).items).toHaveLength(1);
  });

  it('is what pins the stream', async () => {
    const { runtime, publish } = await started([failing({ deadLetter: 'hold' })]);
    const id = await publish('paid');
    const { pinnedBy } = await runtime.admin.retention.report('paid');
    expect(pinnedBy).toMatchObject({ group: 'g', by: 'held', id });
  });

  it('is refused at start where the driver lacks the port, naming the handler', async () => {
    world = new World({ held: undefined });
    const unsupported = { code: 'UNSUPPORTED_FEATURE' };
    const handlers = [{ ...failing({ deadLetter: 'hold' }), name: 'Orders.pay' }];
    await expect(world.start(handlers)).rejects.toMatchObject({
      ...unsupported,
      message: expect.stringContaining("deadLetter: 'hold' of Orders.pay"),
    });
    await expect(world.start([failing({})], { deadLetter: 'hold' })).rejects.toMatchObject(
      unsupported,
    );
    const { publish, outcomes, failed } = await started([failing({ deadLetter: () => 'hold' })]);
    await publish('paid');
    expect([outcomes(), failed.length]).toEqual([['dead-lettered'], 1]);
  });

  it('takes what a failing function leaves, where there is no queue', async () => {
    world = new World({ deadLetters: undefined });
    const { publish, outcomes, failed } = await started([failing({ deadLetter: fails as never })], {
      slots: { deadLetterQueue: wrongly<undefined>(undefined) },
    });
    await publish('paid');
    expect([outcomes(), failed[0]!.action]).toEqual([['held'], 'hold']);
  });

  it('refuses a filter that would release everything by a slip', async () => {
    const { runtime } = await started([failing({ deadLetter: 'hold' })]);
    const { heldMessages } = runtime.admin;
    for (const filter of [{}, { id: ['x'] }, { ids: ['nonsense'] }, { all: true }])
      await expect(
        heldMessages.release('paid', wrongly<{ group: string }>(filter)),
      ).rejects.toThrow(/These options cannot work/);
  });
});

it('refuses what is no strategy, naming the option', async () => {
  const deadLetter = wrongly<DeadLetterStrategy>('bury');
  await expect(world.start([failing({ deadLetter })])).rejects.toThrow(/H\.h0: deadLetter must be/);
  const forward = wrongly<DeadLetterStrategy>({ forward: '' });
  await expect(world.start([failing({ deadLetter: forward })])).rejects.toThrow(
    /deadLetter\.forward/,
  );
});
