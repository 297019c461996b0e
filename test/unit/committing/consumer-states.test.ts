import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StreamConsumers } from '../../../lib/runtime/stream-consumers/stream-consumers.js';
import { MissingSlotError } from '../../../lib/core/errors/slot.errors.js';
import { InvalidOptionsError } from '../../../lib/core/errors/start-up.errors.js';
import { ConsumerStateInUseError } from '../../../lib/core/errors/state-store.errors.js';
import { memory } from '../../../lib/drivers/memory/index.js';
import type { StateStore } from '../../../lib/ports/state-store.js';
import { World, type EngineOptions } from '../../support/engine.js';
import { withoutPositions } from '../../support/narrowed-source.js';

let world: World;
let store: StateStore;
beforeEach(() => {
  world = new World();
  store = world.storeElsewhere();
});
afterEach(() => world.close());

const start = (events: string[], options: EngineOptions = {}) =>
  world.start(
    events.map((event) => ({ events: [event], invoke: () => undefined })),
    { commits: {}, slots: { stateStore: store }, ...options },
  );

describe('ConsumerStates', () => {
  it('lists the records of the streams that this process reads', async () => {
    const { runtime, publish } = await start(['orders', 'bills', 'quiet']);
    const order = await publish('orders');
    const bill = await publish('bills');
    await world.clock.advance(5000);
    await store.set(
      'consumer:g:elsewhere:default',
      (await store.get('consumer:g:orders:default'))!,
    );
    const { states } = runtime.commits;
    expect(await states.list()).toMatchObject([
      {
        stream: 'orders',
        group: 'g',
        name: 'default',
        partition: undefined,
        offset: order,
        lastMessageId: order,
        lastUpdated: new Date(world.clock.wallTime()),
        retryCount: 0,
      },
      { stream: 'bills', offset: bill },
    ]);
    expect(await states.list('bills')).toMatchObject([{ stream: 'bills' }]);
    expect(await states.list(undefined, 'other')).toEqual([]);
  });

  it('gets the record of another service, by its names', async () => {
    const { publish } = await start(['orders'], { group: 'billing', name: 'main' });
    const id = await publish('orders');
    await world.clock.advance(5000);
    const { states } = world.runtime({ slots: { stateStore: store } }).commits;
    const which = { group: 'billing', name: 'main' };
    expect(await states.get('orders', which)).toMatchObject({ ...which, offset: id });
    expect(await states.get('orders')).toBeUndefined();
    await store.set('consumer:g:orders:default', 'no record');
    expect(await states.get('orders')).toBeUndefined();
  });

  it('resets no record that a consumer of this process keeps', async () => {
    const { runtime, publish } = await start(['orders']);
    await publish('orders');
    await world.clock.advance(5000);
    const { states } = runtime.commits;
    await expect(states.reset('orders')).rejects.toThrow(ConsumerStateInUseError);
    expect(await states.get('orders')).toBeDefined();
    await runtime.consumers.pause(runtime.consumers.find('orders'));
    await expect(states.reset('orders')).rejects.toThrow(ConsumerStateInUseError);
    await runtime.consumers.end(runtime.consumers.find('orders'));
    expect(await states.reset('orders')).toBe(true);
    expect(await states.reset('orders')).toBe(false);
    expect(await states.get('orders')).toBeUndefined();
  });

  it('begins at startId after a reset, on a source without positions of its own', async () => {
    const ran: string[] = [];
    const messageSource = withoutPositions(memory({ broker: world.broker }));
    const slots = { messageSource, stateStore: store, deadLetterQueue: undefined };
    const handler = { events: ['orders'], invoke: ({ id }: { id: string }) => ran.push(id) };
    const first = await world.start([handler], { slots });
    const id = await first.publish('orders');
    await first.runtime.close();
    expect(await world.runtime({ slots }).commits.states.reset('orders')).toBe(true);
    await world.start([handler], { slots });
    await world.settle();
    expect(ran).toEqual([id, id]);
  });

  it('names what is wrong with its arguments, and what is lacking', async () => {
    const { runtime } = await start(['orders']);
    const { states } = runtime.commits;
    await expect(states.get('')).rejects.toThrow(InvalidOptionsError);
    await expect(states.reset('orders', { group: '' })).rejects.toThrow(/group/);
    const bare = world.runtime({ slots: { stateStore: undefined } }).commits.states;
    await expect(bare.get('orders')).rejects.toThrow(MissingSlotError);
    await expect(bare.list('orders')).resolves.toEqual([]);
  });
});

describe('a consumer without a controller', () => {
  it('commits by its callback, and counts what is acknowledged by its id', async () => {
    const runtime = world.runtime({ commits: { auto: false }, slots: { stateStore: store } });
    const consumer = new StreamConsumers(runtime).create({ stream: 'orders' });
    const kept: string[] = [];
    await consumer.start((message: { id: string; payload: unknown }, delivery) => {
      if (message.payload === 'keep') {
        kept.push(message.id);
        return false;
      }
      delivery.commit();
      return true;
    });
    const publish = async (payload: unknown) => {
      const id = await runtime.producer.publish({ eventType: 'orders', payload });
      await world.settle();
      return id;
    };
    const first = await publish('take');
    const { states } = runtime.commits;
    expect(await states.get('orders')).toMatchObject({ offset: first });
    await publish('keep');
    const last = await publish('take');
    const { compare } = runtime.driver.ids;
    const held = await states.get('orders');
    expect(held).toMatchObject({ lastMessageId: last });
    expect(compare(held!.offset, kept[0]!)).toBeLessThan(0);
    await consumer.acknowledge(kept[0]!);
    const next = await publish('take');
    expect(await states.get('orders')).toMatchObject({ offset: next });
  });

  it('records what is acknowledged by its id', async () => {
    const runtime = world.runtime({ commits: {}, slots: { stateStore: store } });
    const consumer = new StreamConsumers(runtime).create({ stream: 'orders' });
    await consumer.start(({ payload }) => payload !== 'keep');
    const publish = (payload: unknown) =>
      runtime.producer.publish({ eventType: 'orders', payload });
    const kept = await publish('keep');
    const last = await publish('take');
    await world.clock.advance(5000);
    await consumer.acknowledge(kept);
    await world.clock.advance(5000);
    expect(await runtime.commits.states.get('orders')).toMatchObject({
      offset: last,
      lastMessageId: kept,
    });
  });
});

it('a batch commits all its messages', async () => {
  const { runtime } = await world.start(
    [
      {
        events: ['orders'],
        options: { batch: { size: 3, maxWait: 10 } },
        invoke: () => expect.unreachable(),
        invokeBatch: async (items) => {
          for (const { delivery } of items) delivery.commit();
        },
      },
    ],
    { commits: { auto: false }, slots: { stateStore: store } },
  );
  const ids: string[] = [];
  for (let n = 0; n < 3; n++)
    ids.push(await runtime.producer.publish({ eventType: 'orders', payload: n }));
  await world.clock.advance(10);
  await world.settle();
  expect(await runtime.commits.states.get('orders')).toMatchObject({
    offset: ids[2],
    lastMessageId: ids[2],
  });
});
