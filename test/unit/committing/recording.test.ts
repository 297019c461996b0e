import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery } from '../../../lib/core/delivery.js';
import { UnsupportedFeatureError } from '../../../lib/core/errors/start-up.errors.js';
import { memory } from '../../../lib/drivers/memory/index.js';
import { committed } from '../../support/committed.js';
import { gate, World, type EngineHandler, type EngineOptions } from '../../support/engine.js';
import { ObservedStore } from '../../support/observed-store.js';

let world: World;
let store: ObservedStore;
beforeEach(() => {
  world = new World();
  store = new ObservedStore(world.storeElsewhere());
});
afterEach(() => world.close());

const orders = (
  invoke: (delivery: Delivery) => unknown = () => undefined,
  options: EngineHandler['options'] = {},
): EngineHandler => ({ events: ['orders'], invoke, options });

const start = (handler: EngineHandler, options: EngineOptions = {}) =>
  world.start([handler], { commits: {}, slots: { stateStore: store }, ...options });

const record = (name = 'default', stream = 'orders') =>
  committed(store, `consumer:g:${stream}:${name}`);

/** Runs the first message until the gate opens, and all others at once. */
function slowFirst() {
  const opened = gate();
  let first: string | undefined;
  const invoke = ({ id }: Delivery): unknown =>
    id === (first ??= id) ? opened.promise : undefined;
  return { invoke, open: () => opened.open() };
}

describe('the record', () => {
  it('is not kept without the option', async () => {
    const { publish } = await start(orders(), { commits: undefined });
    await publish('orders');
    await world.clock.advance(60_000);
    expect(store.writes).toBe(0);
  });

  it('is written after the interval, under the key and in the shape that other programs know', async () => {
    const { publish } = await start(orders());
    await publish('orders');
    const id = await publish('orders');
    await world.clock.advance(4999);
    expect(store.writes).toBe(0);
    await world.clock.advance(1);
    expect(JSON.parse((await store.get('consumer:g:orders:default'))!)).toEqual({
      offset: id,
      last_message_id: id,
      last_updated: new Date(world.clock.wallTime()).toISOString(),
      retry_count: 0,
    });
  });

  it('has an interval and a name by options', async () => {
    const { publish } = await start(orders(), { commits: { interval: 100, name: 'processor' } });
    const id = await publish('orders');
    await world.clock.advance(100);
    expect(await record('processor')).toMatchObject({ offset: id });
  });

  it('has the name of the transport by default', async () => {
    const { publish } = await start(orders(), { name: 'archive' });
    await publish('orders');
    await world.clock.advance(5000);
    expect(await record('archive')).toBeDefined();
  });

  it('is written once per interval, and only where something was settled', async () => {
    const { publish } = await start(orders());
    for (let n = 0; n < 50; n++) await publish('orders');
    await world.clock.advance(5000);
    expect(store.writes).toBe(1);
    await world.clock.advance(60_000);
    expect(store.writes).toBe(1);
    for (let n = 0; n < 10; n++) {
      await publish('orders');
      await world.clock.advance(1000);
    }
    expect(store.writes).toBe(3);
  });

  it('has an offset below a message that runs, and above it once that is settled', async () => {
    const { invoke, open } = slowFirst();
    const { publish, runtime } = await start(orders(invoke));
    const slow = await publish('orders');
    const last = await publish('orders');
    await world.clock.advance(5000);
    const { compare } = runtime.driver.ids;
    const early = await record();
    if (early) expect(compare(early.offset, slow)).toBeLessThan(0);
    open();
    await world.clock.advance(5000);
    expect(await record()).toMatchObject({ offset: last, lastMessageId: slow });
  });

  it('counts the runs of the last message, also where that became a dead letter', async () => {
    const fails = (): never => {
      throw new Error('no');
    };
    const { publish } = await start(orders(fails, { maxDeliveries: 3 }));
    const id = await publish('orders');
    await world.clock.advance(60_000);
    expect(await record()).toMatchObject({ offset: id, lastMessageId: id, retryCount: 2 });
  });

  it('is kept for each stream', async () => {
    const { runtime } = await world.start(
      [
        { events: ['orders'], invoke: () => undefined },
        { events: ['bills'], invoke: () => undefined },
      ],
      { commits: {}, slots: { stateStore: store } },
    );
    const order = await runtime.producer.publish({ eventType: 'orders', payload: 1 });
    const bill = await runtime.producer.publish({ eventType: 'bills', payload: 1 });
    await world.clock.advance(5000);
    expect(await record()).toMatchObject({ offset: order });
    expect(await record('default', 'bills')).toMatchObject({ offset: bill });
  });
});

describe('is also written', () => {
  it('at a shutdown, after the last settlement', async () => {
    const { invoke, open } = slowFirst();
    const { publish, runtime } = await start(orders(invoke));
    await publish('orders');
    const last = await publish('orders');
    const closed = runtime.close();
    open();
    await closed;
    expect(await record()).toMatchObject({ offset: last });
  });

  it('when a stream is paused', async () => {
    const { publish, runtime } = await start(orders());
    const id = await publish('orders');
    await runtime.consumers.pause(runtime.consumers.find('orders'));
    await world.settle();
    expect(await record()).toMatchObject({ offset: id });
  });

  it('when a stream is left, while others are read on', async () => {
    const { publish, runtime } = await world.start(
      [
        { events: ['orders'], invoke: () => undefined },
        { events: ['bills'], invoke: () => undefined },
      ],
      { commits: {}, slots: { stateStore: store } },
    );
    const id = await publish('orders');
    await publish('bills');
    await runtime.consumers.end(runtime.consumers.find('orders'));
    expect(await record()).toMatchObject({ offset: id });
    expect(await record('default', 'bills')).toBeUndefined();
  });

  it('before an ordered stream is given up', async () => {
    const { publish, runtime } = await start(orders(undefined, { orderBy: () => 'one' }));
    const id = await publish('orders');
    const left = runtime.consumers.pause(runtime.consumers.find('orders'));
    await world.clock.advance(100);
    await left;
    expect(await record()).toMatchObject({ offset: id });
  });
});

describe('commit()', () => {
  const manual = { commits: { auto: false } };

  it('is what a record waits for, where auto is off', async () => {
    let commits = false;
    const handler = orders((delivery) => commits && delivery.commit());
    const { publish, runtime } = await start(handler, manual);
    await publish('orders');
    await world.clock.advance(60_000);
    expect(await record()).toBeUndefined();
    commits = true;
    const id = await publish('orders');
    expect(await record()).toMatchObject({ offset: id, lastMessageId: id });
    commits = false;
    await publish('orders');
    await runtime.close();
    expect(await record()).toMatchObject({ offset: id, lastMessageId: id });
  });

  it('records what is settled by now, and its own message once that is settled', async () => {
    const opened = gate();
    let commits = false;
    const handler = orders((delivery) => {
      if (!commits) return undefined;
      delivery.commit();
      return opened.promise;
    });
    const { publish } = await start(handler, manual);
    const before = await publish('orders');
    commits = true;
    const own = await publish('orders');
    expect(await record()).toMatchObject({ lastMessageId: before });
    opened.open();
    await world.settle();
    expect(await record()).toMatchObject({ offset: own, lastMessageId: own });
  });

  it('of a run that fails records only what was settled before', async () => {
    let runs = 0;
    const handler = orders((delivery) => {
      if (++runs > 1) return;
      delivery.commit();
      throw new Error('no');
    });
    const { publish } = await start(handler, manual);
    await publish('orders');
    await world.clock.advance(60_000);
    expect(runs).toBe(2);
    expect(await record()).toBeUndefined();
  });

  it('writes at once where auto is on, too', async () => {
    const { publish } = await start(orders((delivery) => delivery.commit()));
    const id = await publish('orders');
    expect(await record()).toMatchObject({ offset: id });
  });

  it('is refused where nothing is recorded', async () => {
    let error: unknown;
    const handler = orders((delivery) => {
      try {
        delivery.commit();
      } catch (thrown) {
        error = thrown;
      }
    });
    const { publish } = await start(handler, { commits: undefined });
    await publish('orders');
    expect(error).toBeInstanceOf(UnsupportedFeatureError);
    expect((error as Error).message).toContain('Set the option commits');
  });
});

describe('a state store that fails', () => {
  it('is told of once, and tried again at the next interval', async () => {
    const { publish, runtime, outcomes } = await start(orders());
    const errors: unknown[] = [];
    runtime.events.on('worker-error', (event) => errors.push(event));
    store.broken = new Error('down');
    await publish('orders');
    await world.clock.advance(20_000);
    const last = await publish('orders');
    await world.clock.advance(20_000);
    expect(outcomes()).toEqual(['handled', 'handled']);
    expect(errors).toEqual([{ worker: 'committer', error: store.broken }]);
    store.broken = undefined;
    await world.clock.advance(5000);
    expect(await record()).toMatchObject({ offset: last });
    store.broken = new Error('down again');
    await publish('orders');
    await world.clock.advance(5000);
    expect(errors).toHaveLength(2);
  });

  it('that hangs holds up neither settlements nor a shutdown', async () => {
    const { publish, runtime, outcomes } = await start(orders());
    store.held = new Promise(() => undefined);
    await publish('orders');
    await world.clock.advance(20_000);
    await publish('orders');
    expect(outcomes()).toEqual(['handled', 'handled']);
    const began = world.clock.now();
    const closed = runtime.close().then(() => world.clock.now() - began);
    await world.clock.advance(60_000);
    expect(await closed).toBeLessThanOrEqual(1000);
  });

  it('keeps what was committed by hand, and no more', async () => {
    let commits = true;
    const handler = orders((delivery) => commits && delivery.commit());
    const { publish } = await start(handler, { commits: { auto: false } });
    store.broken = new Error('down');
    const own = await publish('orders');
    commits = false;
    await publish('orders');
    store.broken = undefined;
    await world.clock.advance(5000);
    expect(await record()).toMatchObject({ lastMessageId: own });
  });
});

describe('without a state store', () => {
  it('the option is refused by name at start', async () => {
    const slots = { messageSource: memory(), stateStore: undefined, deadLetterQueue: undefined };
    const started = start(orders(), { slots });
    await expect(started).rejects.toThrow(
      /The option commits is not available on memory while the slot stateStore is empty/,
    );
  });
});
