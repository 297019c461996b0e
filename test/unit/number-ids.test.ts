import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../lib/drivers/memory/index.js';
import { retry } from '../../lib/core/settlement.js';
import { StreamConsumers } from '../../lib/runtime/stream-consumers/stream-consumers.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import type { StreamsOptions } from '../../lib/options/streams-options.js';
import type { Slots } from '../../lib/options/slots-options.js';
import type { Driver, DriverFactory } from '../../lib/ports/driver.js';
import { inAllSlots } from '../support/in-all-slots.js';
import { memoryWithNumbers } from '../support/number-ids.js';

/** An application whose source has ids that are numbers: nothing but the driver looks inside an id. */
describe('ids that are numbers', () => {
  let clock: ManualClock;
  let source: DriverFactory;
  const open: StreamsRuntime[] = [];

  beforeEach(() => {
    clock = new ManualClock();
    source = memoryWithNumbers({ clock });
  });
  afterEach(async () => {
    for (const runtime of open.splice(0)) {
      const closing = runtime.close();
      await clock.advance(60_000);
      await closing;
    }
    vi.restoreAllMocks();
  });

  function runtime(options: Partial<StreamsOptions> = {}): StreamsRuntime {
    const made = new StreamsRuntime({ slots: inAllSlots(source), group: 'g', ...options });
    open.push(made);
    return made;
  }
  const publish = (to: StreamsRuntime, count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, n) =>
        to.producer.publish({ eventType: 'orders', payload: n }),
      ),
    );

  describe('startId', () => {
    const REFUSED = `startId must be '0', '$' or a number such as 17, not "1700000000000-0"`;
    const startId = '1700000000000-0';

    it('is refused when the runtime is made, with all other problems', () => {
      const made = () => new StreamsRuntime({ slots: inAllSlots(source), startId, batchSize: 0 });
      expect(made).toThrow(REFUSED);
      expect(made).toThrow('batchSize');
    });

    it.each<[string, () => Slots]>([
      [
        'a driver by its name',
        () => ({ messageSource: { driver: 'numbered', config: {} }, stateStore: undefined }),
      ],
      [
        'an opened driver',
        () => {
          const events = { emit: () => undefined, on: () => undefined } as never;
          return { messageSource: source.open({ events, keyPrefix: '' }) };
        },
      ],
    ])('is refused with %s', (_, slots) => {
      const drivers = { numbered: () => source };
      expect(() => new StreamsRuntime({ slots: slots(), drivers, startId })).toThrow(REFUSED);
    });

    it('of another type is refused once', () => {
      const made = () => runtime({ startId: 7 as never });
      expect(made).toThrow("startId must be '0', '$' or a number such as 17, not 7");
    });

    it.each(['0', '$', '2'])('%s is where a group begins', async (begin) => {
      const one = runtime({ startId: begin });
      await publish(one, 3);
      const seen: string[] = [];
      const invoke = async ({ id }: { readonly id: string }) => {
        seen.push(id);
        return { kind: 'ack' } as const;
      };
      await one.start([{ name: 'H.h', events: ['orders'], options: {}, invoke }]);
      await publish(one, 1);
      await clock.advance(10);
      expect(seen).toEqual({ '0': ['1', '2', '3', '4'], $: ['4'], '2': ['3', '4'] }[begin]);
    });
  });

  it('a driver without ids is refused by name', () => {
    const lacking = { ...source, open: () => ({ source: source.open({} as never).source }) };
    const slots = { messageSource: lacking as unknown as Driver };
    expect(() => new StreamsRuntime({ slots })).toThrow('it has no format of its ids');
  });

  it('administration takes and gives them', async () => {
    const one = runtime();
    const { groups, deadLetters, retention } = one.admin;
    await publish(one, 3);
    await groups.createGroup('orders', 'late', { startId: '2' });
    expect(await groups.getGroupInfo('orders', 'late')).toMatchObject({ lag: 1 });
    await groups.setPosition('orders', 'late', '1');
    expect(await groups.getGroupInfo('orders', 'late')).toMatchObject({ lag: 2 });
    expect((await retention.report('orders')).pinnedBy).toMatchObject({ group: 'late' });
    const wrong = `must be '0', '$' or a number such as 17, not "x"`;
    await expect(groups.createGroup('s', 'g', { startId: 'x' })).rejects.toThrow(wrong);
    await expect(groups.setPosition('orders', 'late', 'x')).rejects.toThrow(`id ${wrong}`);
    const start = 'start must be a number such as 17, or next of a page, not ';
    const page = (from: string) => groups.getPending('orders', 'late', { start: from });
    await expect(page('0-1')).rejects.toThrow(start);
    await expect(page('((1')).rejects.toThrow(start);

    await one.start([
      { name: 'H.h', events: ['orders'], options: {}, invoke: async () => retry(1e6) },
    ]);
    await clock.advance(10);
    const first = await groups.getPending('orders', 'g', { count: 2 });
    expect(first).toMatchObject({ items: [{ id: '1' }, { id: '2' }], next: '(2' });
    const rest = await groups.getPending('orders', 'g', { start: first.next! });
    expect(rest.items).toMatchObject([{ id: '3' }]);
    const all: string[] = [];
    for await (const { id } of groups.eachPending('orders', 'g')) all.push(id);
    expect(all).toEqual(['1', '2', '3']);
    const claimed = groups.claimStale('orders', 'g', { consumer: 'c', minIdleMs: 0 });
    expect(await claimed).toEqual(['1', '2', '3']);
    expect(await deadLetters.list('orders')).toEqual({ items: [] });
  });

  it('a consumer begins, keeps and acknowledges by them', async () => {
    const one = runtime();
    const consumers = new StreamConsumers(one);
    await publish(one, 3);
    const create = { stream: 'orders', startId: '1-0' };
    const wrong = `startId must be '0', '$' or a number such as 17, not "1-0"`;
    expect(() => consumers.create(create)).toThrow(wrong);
    const consumer = consumers.create({ stream: 'orders', startId: '1' });
    const seen: string[] = [];
    await consumer.start(({ id }) => {
      seen.push(id);
      return false;
    });
    await clock.advance(10);
    expect(seen).toEqual(['2', '3']);
    expect(await consumer.getPending()).toMatchObject([{ id: '2' }, { id: '3' }]);
    expect(await consumer.acknowledge('2')).toBe(1);
    expect(await consumer.acknowledge({ id: '3', stream: 'orders' })).toBe(1);
    const refused = 'acknowledge must be a number such as 17';
    await expect(consumer.acknowledge('2-0')).rejects.toThrow(`${refused}, not "2-0"`);
    const other = consumer.acknowledge({ id: '2-0', stream: 'orders' });
    await expect(other).rejects.toThrow(`${refused}, or { id, stream }`);
  });
});
