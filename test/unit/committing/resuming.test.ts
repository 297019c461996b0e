import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery } from '../../../lib/core/delivery.js';
import { MissingSlotError } from '../../../lib/core/errors/slot.errors.js';
import { ConsumerStateUnreadableError } from '../../../lib/core/errors/state-store.errors.js';
import { memory } from '../../../lib/drivers/memory/index.js';
import type { StateStore } from '../../../lib/ports/state-store.js';
import { committed } from '../../support/committed.js';
import { gate, World, type EngineOptions } from '../../support/engine.js';
import { withoutFloor, withoutPositions, withPartitions } from '../../support/narrowed-source.js';

let world: World;
let store: StateStore;
beforeEach(() => {
  world = new World();
  store = world.storeElsewhere();
});
afterEach(() => world.close());

const engineOf = (
  invoke: (delivery: Delivery) => unknown,
  { slots, ...options }: EngineOptions = {},
) => {
  const messageSource = withoutPositions(memory({ broker: world.broker }));
  return world.start([{ events: ['orders'], invoke }], {
    slots: { messageSource, stateStore: store, deadLetterQueue: undefined, ...slots },
    ...options,
  });
};

/** Starts an engine that notes the ids of its runs. */
async function noting(options?: EngineOptions, invoke?: (delivery: Delivery) => unknown) {
  const ran: string[] = [];
  const app = await engineOf((delivery) => {
    ran.push(delivery.id);
    return invoke?.(delivery);
  }, options);
  return { ...app, ran };
}

describe('a source without positions of its own', () => {
  it('is resumed behind the record, without the option', async () => {
    const first = await noting();
    await first.publish('orders');
    await first.publish('orders');
    await first.runtime.close();
    const second = await noting();
    const next = await second.publish('orders');
    expect(second.ran).toEqual([next]);
  });

  it('begins at startId where there is no record', async () => {
    const first = await noting({ startId: '$' });
    const id = await first.publish('orders');
    expect(first.ran).toEqual([id]);
  });

  it('skips nothing after a crash before the first record, where it began with new messages', async () => {
    const publisher = world.runtime();
    await publisher.producer.publish({ eventType: 'orders', payload: 'old' });
    const first = await noting({ startId: '$' });
    const id = await first.publish('orders');
    expect(first.ran).toEqual([id]);
    // It never stops, as a process that is killed.
    const second = await noting({ startId: '$' });
    await world.settle();
    expect(second.ran).toEqual([id]);
  });

  it('skips nothing after such a crash of a consumer that began with an empty stream', async () => {
    await noting({ startId: '$' });
    const publisher = world.runtime();
    const id = await publisher.producer.publish({ eventType: 'orders', payload: 'new' });
    const second = await noting({ startId: '$' });
    await world.settle();
    expect(second.ran).toEqual([id]);
  });

  it('repeats what was not recorded when the process was killed', async () => {
    const first = await noting();
    const recorded = await first.publish('orders');
    await world.clock.advance(5000);
    const lost = await first.publish('orders');
    expect(await committed(store)).toMatchObject({ offset: recorded });
    // It never stops, as a process that is killed.
    const second = await noting();
    await world.settle();
    expect(second.ran).toEqual([lost]);
  });

  it('repeats what was not committed, where auto is off', async () => {
    let commits = true;
    const options = { commits: { auto: false } };
    const first = await noting(options, (delivery) => commits && delivery.commit());
    await first.publish('orders');
    await first.publish('orders');
    commits = false;
    const repeated = [await first.publish('orders'), await first.publish('orders')];
    await first.runtime.close();
    const second = await noting(options);
    await world.settle();
    expect(second.ran).toEqual(repeated);
  });

  it('repeats from the oldest unsettled message on', async () => {
    const forever = gate();
    let slow = '';
    const first = await noting({}, ({ id }) => {
      if (slow === '') slow = id;
      return id === slow ? forever.promise : undefined;
    });
    const ids = [await first.publish('orders'), await first.publish('orders')];
    await world.clock.advance(5000);
    const second = await noting();
    await world.settle();
    expect(second.ran).toEqual(ids);
    forever.open();
  });

  it('keeps its place behind messages that were released at a shutdown', async () => {
    const hung = new Promise(() => undefined);
    const first = await noting({ gracePeriod: 0 }, ({ id }) =>
      id === first.ran[1] ? hung : undefined,
    );
    const done = await first.publish('orders');
    const released = await first.publish('orders');
    const settled = await first.publish('orders');
    await first.runtime.close();
    expect(await committed(store)).toMatchObject({ offset: done, lastMessageId: settled });
    const second = await noting();
    await world.settle();
    expect(second.ran).toEqual([released, settled]);
  });

  it('counts failed messages as settled once they are dead letters, and not before', async () => {
    const fails = (): never => {
      throw new Error('no');
    };
    const first = await noting({ maxDeliveries: 2, backoff: { delay: 8000, jitter: 0 } }, fails);
    const id = await first.publish('orders');
    await world.clock.advance(6000);
    expect(await committed(store)).toBeUndefined();
    await world.clock.advance(10_000);
    expect(await committed(store)).toMatchObject({ offset: id, retryCount: 1 });
  });

  it('needs a state store, and says why', async () => {
    const started = noting({ slots: { stateStore: undefined } });
    await expect(started).rejects.toThrow(MissingSlotError);
    await expect(noting({ slots: { stateStore: undefined } })).rejects.toThrow(
      'The slot stateStore is empty, and memory does not remember how far a group has come',
    );
  });

  it('does not start on a record that it cannot read', async () => {
    await store.set('consumer:g:orders:default', '{"offset":"msg-abc"}');
    await expect(noting()).rejects.toThrow(ConsumerStateUnreadableError);
  });

  it('resumes a record that another program has written', async () => {
    const record = { last_message_id: '2', last_updated: '2025-10-13T20:00:00Z', retry_count: 0 };
    const first = await noting();
    const ids = [await first.publish('orders'), await first.publish('orders')];
    await first.runtime.close();
    await store.set('consumer:g:orders:default', JSON.stringify({ ...record, offset: ids[0] }));
    const second = await noting();
    await world.settle();
    expect(second.ran).toEqual([ids[1]]);
  });

  it('begins an ordered or paused stream where it was', async () => {
    const first = await noting();
    const { consumers } = first.runtime;
    await first.publish('orders');
    await consumers.pause(consumers.find('orders'));
    const id = await first.publish('orders');
    await consumers.resume(consumers.find('orders'));
    await world.settle();
    expect(first.ran.slice(1)).toEqual([id]);
    await first.runtime.close();
    expect(await committed(store)).toMatchObject({ offset: id });
  });
});

describe('a source that cannot tell how far a group is', () => {
  it('has an offset by what this consumer was handed and has settled', async () => {
    const slow = gate();
    let runs = 0;
    const app = await world.start(
      [{ events: ['orders'], invoke: () => (++runs === 2 ? slow.promise : undefined) }],
      {
        commits: {},
        slots: { messageSource: withoutFloor(memory({ broker: world.broker })), stateStore: store },
      },
    );
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) ids.push(await app.publish('orders'));
    await world.clock.advance(5000);
    expect(await committed(store)).toMatchObject({ offset: ids[0], lastMessageId: ids[2] });
    slow.open();
    await world.clock.advance(5000);
    expect(await committed(store)).toMatchObject({ offset: ids[2], lastMessageId: ids[1] });
  });
});

describe('partitions', () => {
  it('of a source that remembers no positions are refused at start', async () => {
    const messageSource = withoutPositions(
      withPartitions(memory({ broker: world.broker }), () => '0'),
    );
    await expect(
      world.start([{ events: ['orders'], invoke: () => undefined }], {
        slots: { messageSource, stateStore: store, deadLetterQueue: undefined },
      }),
    ).rejects.toMatchObject({ code: 'UNSUPPORTED_FEATURE' });
  });

  it('have a record each', async () => {
    const partitionOf = ({ fields }: { readonly fields: readonly string[] | undefined }): string =>
      fields!.join().includes('left') ? '0' : '1';
    const messageSource = withPartitions(memory({ broker: world.broker }), partitionOf);
    const app = await world.start([{ events: ['orders'], invoke: () => undefined }], {
      commits: {},
      slots: { messageSource, stateStore: store },
    });
    const left = await app.publish('orders', { side: 'left' });
    const right = await app.publish('orders', { side: 'right' });
    await world.clock.advance(5000);
    const recordOf = (partition: string) =>
      committed(store, `consumer:g:orders:default:${partition}`);
    expect(await recordOf('0')).toMatchObject({ offset: left, lastMessageId: left });
    expect(await recordOf('1')).toMatchObject({ offset: right, lastMessageId: right });
    expect(await committed(store)).toBeUndefined();
  });
});
