import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StreamConsumer } from '../../lib/runtime/stream-consumers/stream-consumer.js';
import { StreamConsumers } from '../../lib/runtime/stream-consumers/stream-consumers.js';
import type { SettledEvent } from '../../lib/core/run-events.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { gate } from '../support/engine.js';
import { quiet, work } from '../support/passing-time.js';
import { until } from '../support/until.js';
import type { ConsumerHarness } from './stream-consumer.contract.js';
import { inAllSlots } from '../support/in-all-slots.js';

/** A callback that closes its own consumer, on every driver. */
export function describeClosingFromWithinContract(
  name: string,
  setup: () => ConsumerHarness,
): void {
  describe(`closing from within a callback: ${name}`, () => {
    let runtime: StreamsRuntime;
    let stream: string;
    let settled: SettledEvent[];

    beforeEach(() => {
      const harness = setup();
      stream = harness.unique('events');
      settled = [];
      runtime = new StreamsRuntime({
        slots: inAllSlots(harness.source),
        keyPrefix: harness.keyPrefix ?? '',
        group: 'g',
        blockTimeout: 100,
        backoff: { type: 'fixed', delay: 10, jitter: 0 },
      });
      runtime.events.on('settled', (event) => settled.push(event));
    });
    afterEach(() => runtime.close());

    const outcomes = () => settled.map(({ outcome }) => outcome);

    async function start(
      callback: (consumer: StreamConsumer, payload: unknown) => Promise<boolean>,
      messages: unknown[],
    ): Promise<StreamConsumer> {
      const consumer = new StreamConsumers(runtime).create({ stream });
      await consumer.start(({ payload }) => callback(consumer, payload));
      for (const payload of messages) {
        await runtime.producer.publish({ eventType: 'made', payload, stream });
      }
      return consumer;
    }

    test('it is acknowledged, and the consumer is closed then', async () => {
      const log: string[] = [];
      const consumer = await start(
        async (own) => {
          await work(5);
          await own.close();
          log.push('resolved');
          return true;
        },
        [1],
      );
      await consumer.closed;
      expect(log).toEqual(['resolved']);
      expect(outcomes()).toEqual(['handled']);
      if (runtime.driver.pending) expect(await consumer.getPending()).toEqual([]);
    });

    test('several at once wait for the others, and not for each other', async () => {
      const [slow, all] = [gate(), gate()];
      const log: unknown[] = [];
      let running = 0;
      const consumer = await start(
        async (own, payload) => {
          if (++running === 4) all.open();
          await all.promise;
          if (payload === 'slow') await slow.promise;
          else await own.close();
          log.push(payload);
          return true;
        },
        ['slow', 1, 2, 3],
      );
      await all.promise;
      await quiet(30);
      expect(log).toEqual([]);
      slow.open();
      await consumer.closed;
      expect(log[0]).toBe('slow');
      expect(log.map(String).toSorted()).toEqual(['1', '2', '3', 'slow']);
      expect(outcomes()).toEqual(['handled', 'handled', 'handled', 'handled']);
    });

    test('what then fails, or is kept, stays pending', async () => {
      const both = gate();
      let running = 0;
      const consumer = await start(
        async (own, payload) => {
          if (++running === 2) both.open();
          await both.promise;
          await own.close();
          if (payload === 'fails') throw new Error('after all');
          return false;
        },
        ['fails', 'kept'],
      );
      await consumer.closed;
      const kept = runtime.driver.source.capabilities.leaves ? 'left' : 'dead-lettered';
      expect(outcomes().toSorted()).toEqual([kept, 'released', 'retried'].toSorted());
    });

    test('a call from outside waits until it is settled', async () => {
      const rest = gate();
      const log: string[] = [];
      const consumer = await start(
        async (own) => {
          await own.close();
          log.push('resolved within');
          await rest.promise;
          return true;
        },
        [1],
      );
      await until('it is resolved within', () => log.length === 1);
      const outside = Promise.all([consumer.close(), runtime.close()]).then(() =>
        log.push(`outside: ${outcomes().join()}`),
      );
      await quiet(30);
      rest.open();
      await outside;
      expect(log).toEqual(['resolved within', 'outside: handled']);
    });
  });
}
