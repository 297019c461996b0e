import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Claims } from '../../../lib/consuming/dedupe/claims.js';
import { HandlerTable } from '../../../lib/consuming/plan/handler-table.js';
import { dedupe } from '../../../lib/consuming/middleware/dedupe.middleware.js';
import { jsonCodec } from '../../../lib/core/codecs/json.codec.js';
import { Delivery, type BoundHandler } from '../../../lib/core/delivery.js';
import { disown } from '../../../lib/core/disown.js';
import {
  InvalidOptionsError,
  UnsupportedFeatureError,
} from '../../../lib/core/errors/start-up.errors.js';
import { EventBus } from '../../../lib/core/event-bus.js';
import { ack, retry, type Ack } from '../../../lib/core/settlement.js';
import type { DriverContext } from '../../../lib/ports/driver.js';
import { memory } from '../../../lib/drivers/memory/index.js';
import { MemoryCompletions } from '../../../lib/drivers/memory/memory.completions.js';
import type { StateStore } from '../../../lib/ports/state-store.js';
import { StreamsRuntime } from '../../../lib/runtime/streams-runtime.js';
import { gate, World, type EngineOptions } from '../../support/engine.js';
import { standIn } from '../../support/stand-in.js';
import { inAllSlots } from '../../support/in-all-slots.js';

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.close());

/** By a field of the payload. */
const byOrder = {
  key: ({ payload }: { payload: unknown }) => (payload as { order?: string }).order,
};
const order = (delivery: Delivery) => (delivery.message.payload as { order: string }).order;

/** With the driver's own store, and with another one. */
const STORES: [string, () => EngineOptions][] = [
  ['the driver’s own store', () => ({})],
  ['another store', () => ({ slots: { stateStore: world.storeElsewhere() } })],
];

describe.each(STORES)('a handler that deduplicates, in %s', (_, storeOf) => {
  it('acknowledges what it has completed without a run, until its time is over', async () => {
    const runs: string[] = [];
    const app = await world.start(
      [
        {
          events: ['x'],
          options: { dedupe: { ...byOrder, ttl: 60_000 } },
          invoke: (delivery) => void runs.push(order(delivery)),
        },
      ],
      storeOf(),
    );
    for (const name of ['a', 'b', 'a']) await app.publish('x', { order: name });
    expect(runs).toEqual(['a', 'b']);
    expect(app.outcomes()).toEqual(['handled', 'handled', 'duplicate']);
    await world.clock.advance(61_000);
    await app.publish('x', { order: 'a' });
    expect(runs).toEqual(['a', 'b', 'a']);
  });

  it('lets a duplicate wait while the first one runs, uncharged, and for longer than a claim lasts', async () => {
    const { promise, open } = gate();
    const runs: number[] = [];
    const app = await world.start(
      [
        {
          events: ['x'],
          options: { dedupe: byOrder, maxDeliveries: 2 },
          invoke: async ({ attempt }) => {
            runs.push(attempt);
            await promise;
          },
        },
      ],
      { idleTimeout: 8000, ...storeOf() },
    );
    await app.publish('x', { order: 'a' });
    await app.publish('x', { order: 'a' });
    await world.clock.advance(40_000);
    expect(new Set(app.outcomes())).toEqual(new Set(['postponed']));
    expect(app.settled.map(({ attempt }) => attempt)).toEqual(app.settled.map(() => 0));
    open();
    await world.clock.advance(2000);
    expect(runs).toEqual([1]);
    expect(app.outcomes().slice(-2)).toEqual(['handled', 'duplicate']);
    expect(world.broker.unfinished()).toEqual([]);
  });

  it('keeps its claim from other processes for as long as its run goes on', async () => {
    const { promise, open } = gate();
    const runs: string[] = [];
    const start = (consumer: string) =>
      world.start(
        [
          {
            events: ['x'],
            options: { dedupe: byOrder },
            invoke: async () => {
              runs.push(consumer);
              await promise;
            },
          },
        ],
        { consumer, concurrency: 1, idleTimeout: 8000, ...storeOf() },
      );
    const first = await start('first');
    await first.publish('x', { order: 'a' });
    const second = await start('second');
    await second.publish('x', { order: 'a' });
    await world.clock.advance(40_000);
    expect(runs).toEqual(['first']);
    expect(new Set(second.outcomes())).toEqual(new Set(['postponed']));
    open();
    await world.clock.advance(2000);
    expect(first.outcomes()).toEqual(['handled']);
    expect(second.outcomes().at(-1)).toBe('duplicate');
  });

  it('gives its claim back where a run fails, is dead-lettered or times out', async () => {
    const runs: [string, number][] = [];
    const { promise, open } = gate();
    const app = await world.start(
      [
        {
          events: ['x'],
          options: { dedupe: byOrder, maxDeliveries: 2, timeout: 5000 },
          invoke: async (delivery) => {
            runs.push([order(delivery), delivery.attempt]);
            if (order(delivery) === 'slow') await promise;
            else if (runs.length <= 2) throw new Error('no');
          },
        },
      ],
      storeOf(),
    );
    await app.publish('x', { order: 'a' });
    await world.clock.advance(1000);
    expect(app.outcomes()).toEqual(['retried', 'dead-lettered']);
    await app.publish('x', { order: 'a' });
    expect(runs).toEqual([
      ['a', 1],
      ['a', 2],
      ['a', 1],
    ]);
    // A run that outlives its timeout still works: no other run begins.
    await app.publish('x', { order: 'slow' });
    await world.clock.advance(5000);
    await app.publish('x', { order: 'slow' });
    await world.clock.advance(5000);
    expect(runs.filter(([name]) => name === 'slow')).toHaveLength(1);
    open();
    await world.clock.advance(3000);
    expect(runs.filter(([name]) => name === 'slow').length).toBeGreaterThan(1);
    expect(app.outcomes().filter((outcome) => outcome === 'duplicate')).toHaveLength(1);
  });

  it('hides nothing from another group or handler', async () => {
    const runs: string[] = [];
    const handler = (group: string, event: string) => ({
      events: [event],
      options: { dedupe: byOrder, group, streams: ['s'] },
      invoke: () => void runs.push(`${group} ${event}`),
    });
    const app = await world.start(
      [handler('g', 'x'), handler('h', 'x'), handler('g', 'y')],
      storeOf(),
    );
    for (const eventType of ['x', 'y', 'x']) {
      await app.runtime.producer.publish({ eventType, stream: 's', payload: { order: 'a' } });
    }
    await world.settle();
    expect(runs.sort()).toEqual(['g x', 'g y', 'h x']);
  });

  it('lets the claim of a process that died expire, and runs then', async () => {
    const { promise } = gate();
    const runs: string[] = [];
    const start = (consumer: string, hangs: boolean) =>
      world.start(
        [
          {
            events: ['x'],
            options: { dedupe: true },
            invoke: async ({ attempt }) => {
              runs.push(`${consumer} ${attempt}`);
              if (hangs) await promise;
            },
          },
        ],
        { consumer, idleTimeout: 4000, maxHold: hangs ? 1 : 60_000, ...storeOf() },
      );
    // Neither its entry nor its claim is kept fresh, as if it had died.
    const dead = await start('dead', true);
    await dead.publish('x');
    const heir = await start('heir', false);
    await world.clock.advance(3000);
    expect(runs).toEqual(['dead 1']);
    await world.clock.advance(9000);
    expect(runs).toEqual(['dead 1', 'heir 2']);
    expect(heir.outcomes().at(-1)).toBe('handled');
  });
});

describe('the key of a message', () => {
  async function handledBy(dedupe: true | 'message' | 'idempotencyKey') {
    const runs: unknown[] = [];
    const app = await world.start([
      {
        events: ['x'],
        options: { dedupe, streams: ['s', 't'] },
        invoke: ({ message }) => void runs.push(message.payload),
      },
    ]);
    const publish = async (payload: number, stream: string, idempotencyKey?: string) => {
      const key = idempotencyKey === undefined ? {} : { idempotencyKey };
      await app.runtime.producer.publish({ eventType: 'x', payload, stream, ...key });
      await world.settle();
    };
    return { runs, publish, app };
  }

  it('is its id', async () => {
    const { runs, publish } = await handledBy(true);
    await publish(1, 's', 'k');
    await publish(2, 's');
    expect(runs).toEqual([1, 2]);
  });

  it('is the key that it was published with, however long ago, else its id', async () => {
    const { runs, publish, app } = await handledBy('idempotencyKey');
    await publish(1, 's', 'k');
    // As the producer's window forgets sooner than the handler.
    await app.runtime.driver.source.publish([
      {
        stream: 's',
        fields: ['event_type', 'x', 'payload', '2', 'idempotency_key', 'k'],
      },
    ]);
    await publish(3, 's');
    await publish(4, 's');
    await publish(5, 't', 'k');
    expect(runs).toEqual([1, 3, 4, 5]);
  });

  it('may be none: then every message is handled', async () => {
    const runs: unknown[] = [];
    const app = await world.start([
      {
        events: ['x'],
        options: { dedupe: byOrder, maxDeliveries: 2 },
        invoke: ({ attempt }) => {
          runs.push(attempt);
          if (attempt === 1) throw new Error('once');
        },
      },
    ]);
    await app.publish('x');
    await app.publish('x');
    await world.clock.advance(1000);
    expect(runs).toEqual([1, 1, 2, 2]);
  });

  it('that cannot be one makes a dead letter that says so', async () => {
    const app = await world.start([
      { events: ['x'], options: { dedupe: { key: () => 7 as never } }, invoke: () => undefined },
      { events: ['y'], options: { dedupe: byOrder }, invoke: () => undefined },
    ]);
    await app.publish('x');
    await app.publish('y', null);
    expect(app.settled).toMatchObject([
      {
        outcome: 'dead-lettered',
        reason: 'unrecoverable',
        error: { name: 'InvalidMessageKeyError' },
      },
      { outcome: 'dead-lettered', reason: 'unrecoverable', error: { name: 'TypeError' } },
    ]);
  });
});

describe('a run that has lost its entry', () => {
  const publish = [{ stream: 's', fields: ['event_type', 'y', 'payload', '1'] }];

  it.each([
    { follows: 'nothing', settlement: ack, becomes: 'done' },
    {
      follows: 'a next step, which is not published',
      settlement: { ...ack, publish },
      becomes: 'claimed',
    },
    {
      follows: 'an arrival at a join, which is not told',
      settlement: standIn<Ack>({ ...ack, step: { arriving: {} } }),
      becomes: 'claimed',
    },
  ])('completes its key where $follows follows', async ({ settlement, becomes }) => {
    const { clock, broker } = world;
    const completions = new MemoryCompletions(broker, '');
    const options = { completions, clock, events: new EventBus(), lease: 8000, maxHold: 60_000 };
    const handler = { name: 'A.a', dedupe: { key: 'message', ttl: 60_000 } } as BoundHandler;
    const table = new HandlerTable('s', 'g', undefined);
    table.add('x', handler, true);
    const run = dedupe(
      new Claims(options),
      { codec: jsonCodec, tables: new Map([['s', table]]) },
      () => false,
      () => undefined,
    );
    const fields = ['event_type', 'x', 'payload', '1'];
    const lease = { stream: 's', id: '1-0', publishedAt: 1, attempt: 1, charged: true, fields };
    const delivery = new Delivery(lease, 'g', 'A');
    delivery.handler = handler;
    delivery.eventType = 'x';
    await run(delivery, async () => {
      disown(delivery);
      return settlement;
    });
    await world.settle();
    const asked = { stream: 's', group: 'g', handler: 'x', key: '1-0', owner: 'B' };
    expect(await completions.claim([asked], 8000)).toEqual([becomes]);
  });
});

describe('a process that is being shut down', () => {
  it('gives the claim of a run that it cuts off to no other run, until it expires', async () => {
    const { promise } = gate();
    const handler = (name: string, runs: string[]) => ({
      events: ['x'],
      options: { dedupe: true },
      invoke: async () => {
        runs.push(name);
        if (name === 'old') await promise;
      },
    });
    const runs: string[] = [];
    const options = { idleTimeout: 4000, gracePeriod: 1000 };
    const old = await world.start([handler('old', runs)], { ...options, consumer: 'old' });
    await old.publish('x');
    const closing = old.runtime.close();
    await world.clock.advance(1000);
    await closing;
    const next = await world.start([handler('new', runs)], { ...options, consumer: 'new' });
    await world.settle();
    expect(runs).toEqual(['old']);
    await world.clock.advance(6000);
    expect(runs).toEqual(['old', 'new']);
    expect(next.settled.at(-1)).toMatchObject({ outcome: 'handled', attempt: 1 });
  });
});

describe('a state store that is full', () => {
  const full = async () => {
    const store = world.storeElsewhere(1);
    await store.set('taken', '');
    return store;
  };
  const start = (stateStore: StateStore, run: (delivery: Delivery) => unknown) =>
    world.start(
      [{ events: ['x'], options: { dedupe: { ...byOrder, ttl: 60_000 } }, invoke: run }],
      {
        slots: { stateStore },
        maxHold: 1,
        idleTimeout: 4000,
      },
    );

  it('lets a message wait unrun and uncharged, until its key can be claimed', async () => {
    const store = await full();
    const runs: number[] = [];
    const app = await start(store, ({ attempt }) => void runs.push(attempt));
    await app.publish('x', { order: 'a' });
    await world.clock.advance(20_000);
    expect(runs).toEqual([]);
    expect(app.outcomes().every((outcome) => outcome === 'postponed')).toBe(true);
    await store.delete('taken');
    await world.clock.advance(10_000);
    expect(runs).toEqual([1]);
    expect(app.outcomes().at(-1)).toBe('handled');
  });

  it('keeps a run from being acknowledged until its mark is stored', async () => {
    const store = world.storeElsewhere(1);
    const { promise, open } = gate();
    const runs: string[] = [];
    const app = await start(store, async (delivery) => {
      runs.push(order(delivery));
      await promise;
    });
    const id = await app.publish('x', { order: 'a' });
    // The claim expires while the run goes on, and another key takes its room.
    await world.clock.advance(4000);
    await store.set('taken', '');
    open();
    await world.settle();
    expect(app.outcomes()).toEqual([]);
    expect(world.broker.unfinished()).toMatchObject([{ running: [id] }]);
    await store.delete('taken');
    await world.clock.advance(10_000);
    expect(runs).toEqual(['a']);
    expect(app.outcomes()).toEqual(['handled']);
    await app.publish('x', { order: 'a' });
    expect(app.outcomes()).toEqual(['handled', 'duplicate']);
  });
});

describe('what cannot be deduplicated', () => {
  it('is refused at start-up', async () => {
    const runtime = new StreamsRuntime({ slots: inAllSlots(memory()) });
    const invoke = async () => retry(0);
    const definition = (options: object, more: object = {}) =>
      ({ name: 'A.a', events: ['x'], options, invoke, ...more }) as never;
    const wrong = [
      definition({ dedupe: true }, { answers: true }),
      definition({ inbox: true }, { answers: true }),
      definition({ dedupe: 7 }),
      definition({ dedupe: { key: 'other' } }),
      definition({ dedupe: { ttl: 0 } }),
      definition({ dedupe: true, inbox: true }),
      definition({ batch: { size: 5 } }),
      definition({ batch: { size: 0 } }, { invokeBatch: invoke }),
      definition({ batch: { size: 2 } }, { answers: true }),
      definition({ batch: { size: 2 }, inbox: true }, { invokeBatch: invoke }),
    ];
    const error = await runtime.start(wrong).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect((error as InvalidOptionsError).problems).toEqual([
      'A.a: dedupe is for events; what answers requests cannot have it',
      'A.a: inbox is for events; what answers requests cannot have it',
      "A.a: dedupe must be true, 'message', 'idempotencyKey' or { key, ttl, name }, not 7",
      "A.a: dedupe.key must be 'message', 'idempotencyKey' or a function of the message, not \"other\"",
      'A.a: dedupe.ttl must be a whole number of at least 1, not 0',
      'A.a: dedupe or inbox, not both: an inbox knows duplicates, too',
      'A.a: batch needs @StreamHandler',
      'A.a: batch.size must be a whole number from 1 to 10000, not 0',
      'A.a: batch is for events; what answers requests cannot have it',
      'A.a: batch and inbox do not go together: a transaction is of one message',
    ]);
    await runtime.close();
  });

  it('dedupe is refused while the slot of the state store is empty, by name', async () => {
    const runtime = new StreamsRuntime({ slots: { messageSource: memory() } });
    const starting = runtime.start([
      { name: 'A.a', events: ['x'], options: { dedupe: true }, invoke: async () => retry(0) },
    ]);
    await expect(starting).rejects.toThrow(UnsupportedFeatureError);
    await expect(starting).rejects.toThrow(
      'The handler option dedupe is not available on memory while the slot stateStore is empty.',
    );
  });

  it('inbox is refused where the driver has none', async () => {
    const whole = memory();
    const source = {
      ...whole,
      technology: 'bare',
      open: (context: DriverContext) => ({ source: whole.open(context).source, ids: whole.ids }),
    };
    const runtime = new StreamsRuntime({ slots: { messageSource: source } });
    const starting = runtime.start([
      { name: 'A.a', events: ['x'], options: { inbox: true }, invoke: async () => retry(0) },
    ]);
    await expect(starting).rejects.toThrow(UnsupportedFeatureError);
    await expect(starting).rejects.toThrow('inbox is not available on bare');
  });
});
