import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StreamConsumers } from '../../lib/runtime/stream-consumers/stream-consumers.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import type { StreamsOptions } from '../../lib/options/streams-options.js';
import type { EventDelivery } from '../../lib/runtime/stream-consumers/event-callback.js';
import type { Message } from '../../lib/core/message.js';
import { gate } from '../support/engine.js';
import { inAllSlots } from '../support/in-all-slots.js';
import { until } from '../support/until.js';
import type { ConsumerHarness } from './stream-consumer.contract.js';

type Callback = (message: Message, delivery: EventDelivery) => boolean | Promise<boolean>;

/** Records of how far consumers have come, on every driver. */
export function describeCommitsContract(name: string, setup: () => ConsumerHarness): void {
  describe(`commits contract: ${name}`, () => {
    let harness: ConsumerHarness;
    let stream: string;
    const runtimes: StreamsRuntime[] = [];

    beforeEach(() => {
      harness = setup();
      stream = harness.unique('orders');
    });
    afterEach(async () => {
      await Promise.all(runtimes.splice(0).map((runtime) => runtime.close()));
    });

    /** One process of the group. */
    async function start(consumer: string, callback: Callback, options: Partial<StreamsOptions>) {
      const runtime = new StreamsRuntime({
        slots: inAllSlots(harness.source),
        keyPrefix: harness.keyPrefix ?? '',
        group: 'g',
        consumer,
        concurrency: 4,
        blockTimeout: 100,
        gracePeriod: 500,
        backoff: { type: 'fixed', delay: 10, jitter: 0 },
        ...options,
      });
      runtimes.push(runtime);
      await new StreamConsumers(runtime).create({ stream }).start(callback);
      const { states } = runtime.commits;
      return {
        runtime,
        record: () => states.get(stream, which(runtime)),
        publish: () => runtime.producer.publish({ eventType: 'made', payload: 1, stream }),
      };
    }

    /** A record is that of a partition where there are partitions. Here there is one. */
    const which = ({ driver }: StreamsRuntime) =>
      driver.source.capabilities.holds === 'partition' ? { partition: '0' } : {};

    const often = { commits: { interval: 50 } };

    test('say up to where everything is settled, and what was settled last', async () => {
      const { record, publish, runtime } = await start('c1', () => true, often);
      await publish();
      const last = await publish();
      await until('the record', async () => (await record())?.offset === last);
      expect(await record()).toMatchObject({ lastMessageId: last, retryCount: 0, group: 'g' });
      expect(await runtime.commits.states.list(stream)).toHaveLength(1);
    });

    test('stay below what another process of the group still runs', async () => {
      const slow = gate<boolean>();
      let held: string | undefined;
      const seen = new Set<string>();
      // Nothing is settled below the first message of a stream: some sources have no id for that.
      const callback: Callback = ({ id }) => {
        if (seen.add(id).size === 2) held ??= id;
        return id === held ? slow.promise : true;
      };
      const one = await start('c1', callback, often);
      const two = await start('c2', callback, often);
      let settled = 0;
      for (const { runtime } of [one, two]) runtime.events.on('settled', () => settled++);
      let last = '';
      for (let n = 0; n < 21; n++) last = await one.publish();
      await until('the others are settled', () => settled === 20);
      await until('a record', async () => (await one.record()) !== undefined);
      const early = await two.record();
      const { compare } = one.runtime.driver.ids;
      expect(compare(early!.offset, held!)).toBeLessThan(0);
      slow.open(true);
      await until('the record', async () => (await two.record())?.offset === last);
    });

    test('are written at the end, at any interval', async () => {
      const { record, publish, runtime } = await start('c1', () => true, { commits: {} });
      let settled = 0;
      runtime.events.on('settled', () => settled++);
      const last = await publish();
      await until('it is settled', () => settled === 1);
      const { states } = (await start('c2', () => true, { commits: {} })).runtime.commits;
      expect(await record()).toBeUndefined();
      await runtime.close();
      expect(await states.get(stream, which(runtime))).toMatchObject({ offset: last });
    });

    test('wait for a commit where auto is off', async () => {
      const commits: string[] = [];
      const callback: Callback = ({ id }, delivery) => {
        if (commits.push(id) === 2) delivery.commit();
        return true;
      };
      const options = { commits: { auto: false, interval: 50 } };
      const { record, publish } = await start('c1', callback, options);
      await publish();
      const second = await publish();
      await until('the record', async () => (await record())?.lastMessageId === second);
      await publish();
      await until('the third', () => commits.length === 3);
      expect(await record()).toMatchObject({ lastMessageId: second });
    });

    test('can be deleted once no consumer keeps them', async () => {
      const { record, publish, runtime } = await start('c1', () => true, often);
      await publish();
      await until('the record', async () => (await record()) !== undefined);
      const { states } = runtime.commits;
      await expect(states.reset(stream, which(runtime))).rejects.toMatchObject({
        code: 'CONSUMER_STATE_IN_USE',
      });
      await runtime.drain();
      expect(await states.reset(stream, which(runtime))).toBe(true);
      expect(await record()).toBeUndefined();
    });
  });
}
