import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StreamsEvents } from '../../lib/core/events.js';
import type { TrimOrder } from '../../lib/ports/retention.js';
import { memory, type MemoryBroker } from '../../lib/drivers/memory/index.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { driverWith } from '../support/driver-with.js';
import { World } from '../support/engine.js';
import { inAllSlots } from '../support/in-all-slots.js';

describe('the option retention', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.close());

  const lengthOf = (broker: MemoryBroker, stream: string): number =>
    [...(broker.existing(stream)?.log.entries.present() ?? [])].length;

  async function start(retention: NonNullable<Parameters<World['runtime']>[0]>['retention']) {
    const handlers = ['orders', 'audit.a', 'other'].map((event) => ({
      events: [event],
      invoke: () => undefined,
    }));
    const engine = await world.start(handlers, { retention: retention! });
    const deleted: StreamsEvents['entries-deleted'][] = [];
    engine.runtime.events.on('entries-deleted', (event) => deleted.push(event));
    for (const stream of ['orders', 'audit.a', 'other']) {
      for (let n = 0; n < 4; n++) await engine.publish(stream, { n });
    }
    return { ...engine, deleted };
  }

  const lengths = () =>
    ['orders', 'audit.a', 'other'].map((stream) => lengthOf(world.broker, stream));

  it('gives each stream the policy of the first rule that matches, and keeps the rest', async () => {
    const { deleted } = await start([
      { streams: ['audit.*', 'nothing'], policy: { maxLength: 3 } },
      { streams: 'audit.a', policy: 'deleteWhenSettled' },
      { streams: 'orders', policy: 'deleteWhenSettled' },
    ]);
    expect(lengths()).toEqual([4, 4, 4]);
    await world.clock.advance(1000);
    expect(lengths()).toEqual([0, 3, 4]);
    const noGroup = { lost: 0, groups: [] };
    expect(deleted).toEqual([
      { stream: 'orders', count: 4, ...noGroup },
      { stream: 'audit.a', count: 1, ...noGroup },
    ]);
  });

  it('as one policy goes for all streams', async () => {
    await start('deleteWhenSettled');
    await world.clock.advance(1000);
    expect(lengths()).toEqual([0, 0, 0]);
  });

  it('after a long silence is carried out within five intervals', async () => {
    const { publish } = await start('deleteWhenSettled');
    await world.clock.advance(20_000);
    await publish('orders');
    await world.clock.advance(5000);
    expect(lengths()).toEqual([0, 0, 0]);
  });

  it('goes on after an error, and tells of it', async () => {
    let failures = 2;
    const source = driverWith(memory({ broker: world.broker }), ({ retention }) => ({
      retention: {
        trim: (stream: string, order: TrimOrder) =>
          failures-- > 0 ? Promise.reject(new Error('away')) : retention!.trim(stream, order),
      },
    }));
    const runtime = new StreamsRuntime({
      slots: inAllSlots(source),
      group: 'g',
      retention: 'deleteWhenSettled',
    });
    const errors: StreamsEvents['worker-error'][] = [];
    runtime.events.on('worker-error', (event) => errors.push(event));
    await runtime.start([
      { name: 'H.h', events: ['orders'], options: {}, invoke: async () => ({ kind: 'ack' }) },
    ]);
    await runtime.producer.publish({ eventType: 'orders', payload: 1 });
    await world.clock.advance(8000);
    expect(lengths()[0]).toBe(0);
    expect(errors.map(({ worker, error }) => [worker, error.message])).toEqual([
      ['retention', 'away'],
      ['retention', 'away'],
    ]);
    const closing = runtime.close();
    await world.clock.advance(10_000);
    await closing;
  });

  it('needs a driver that can delete', () => {
    const source = driverWith(memory(), () => ({ retention: undefined }));
    expect(
      () => new StreamsRuntime({ slots: inAllSlots(source), retention: 'deleteWhenSettled' }),
    ).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_FEATURE' }));
    expect(
      () => new StreamsRuntime({ slots: inAllSlots(source), retention: 'keep' }),
    ).not.toThrow();
  });

  it('is checked, all problems at once', () => {
    const wrong = {
      retention: [
        { streams: '', policy: 'keep' },
        { streams: 'a', policy: { maxLength: 0 } },
        { streams: 'a', policy: { maxAge: 1, maxLength: 1 } },
        { streams: ['b'], policy: { maxAge: 1, allowLoss: 'yes' } },
        { streams: 'a', policy: { maxAge: undefined } },
      ],
      retentionInterval: 0,
    } as never;
    expect(() => world.runtime(wrong)).toThrow(
      expect.objectContaining({
        problems: [
          `retention[0].streams must be names of streams, such as 'audit.*', not ""`,
          'retention[1].policy.maxLength must be a whole number of at least 1, not 0',
          'retention[2].policy.maxAge is no option of a policy with maxLength: there are maxLength, allowLoss',
          'retention[3].policy.allowLoss must be true or false, not "yes"',
          'retention[4].policy.maxAge is missing; it must be a whole number of at least 1',
          'retentionInterval must be a whole number from 1 to 86400000, not 0',
        ],
      }),
    );
    expect(() => world.runtime({ retention: 'forget' as never })).toThrow(/retention must be/);
  });
});
