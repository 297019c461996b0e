import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Delivery } from '../../lib/core/delivery.js';
import type { SettledEvent } from '../../lib/core/run-events.js';
import { ack } from '../../lib/core/settlement.js';
import { memory } from '../../lib/drivers/memory/index.js';
import { nats } from '../../lib/drivers/nats/nats.driver.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import type { DriverFactory } from '../../lib/ports/driver.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';

describe('slots that NATS fills beside other technologies', needsNats(), () => {
  let onNats: TestNats;
  let onRedis: TestRedis;
  let runtime: StreamsRuntime;
  beforeAll(async () => {
    [onNats, onRedis] = await Promise.all([testNats(), testRedis()]);
  });
  afterAll(() => Promise.all([onNats.cleanup(), onRedis.cleanup()]));
  afterEach(() => runtime.close());

  const drivers: Record<string, () => DriverFactory> = {
    nats: () => nats({ url: onNats.url }),
    redis: () => redis({ url: onRedis.url }),
    memory: () => memory(),
  };
  type Use = readonly [source: string, state: string, deadLetters: string];
  const USES: readonly Use[] = [
    ['redis', 'nats', 'nats'],
    ['nats', 'redis', 'redis'],
    ['nats', 'nats', 'nats'],
    ['memory', 'nats', 'nats'],
    ['nats', 'redis', 'nats'],
  ];

  test.each(USES)(
    'messages in %s, state in %s, dead letters in %s: one run each, dead letters and back',
    async (source, state, deadLetters) => {
      const settled: SettledEvent[] = [];
      const runs: string[] = [];
      const order = ({ payload }: { payload: unknown }) => (payload as { order: string }).order;
      const stream = `orders-${randomBytes(4).toString('hex')}`;
      const made = new Map<string, DriverFactory>();
      const driver = (name: string): DriverFactory => {
        if (!made.has(name)) made.set(name, drivers[name]!());
        return made.get(name)!;
      };
      runtime = new StreamsRuntime({
        slots: {
          messageSource: driver(source),
          stateStore: driver(state),
          deadLetterQueue: driver(deadLetters),
        },
        group: 'billing',
        keyPrefix: `${onRedis.prefix}${stream}:`,
        blockTimeout: 300,
      });
      runtime.events.on('settled', (event) => settled.push(event));
      const invoke = async ({ message }: Delivery) => {
        const name = order(message!);
        runs.push(name);
        if (name === 'fails' && runs.filter((one) => one === name).length === 1) {
          throw new Error('not yet');
        }
        return ack;
      };
      const options = { streams: [stream], maxDeliveries: 1, dedupe: { key: order, ttl: 60_000 } };
      await runtime.start([{ name: 'Orders.paid', events: ['paid'], options, invoke }]);
      const publish = (name: string) =>
        runtime.producer.publish({ stream, eventType: 'paid', payload: { order: name } });
      const outcomes = () => settled.map(({ outcome }) => outcome);

      for (const [at, name] of ['a', 'b', 'a', 'fails'].entries()) {
        await publish(name);
        await until(`${name} is settled`, () => settled.length === at + 1);
      }
      expect(outcomes()).toEqual(['handled', 'handled', 'duplicate', 'dead-lettered']);
      expect(runs).toEqual(['a', 'b', 'fails']);

      const queue = runtime.admin.deadLetters;
      const { items } = await queue.list(stream);
      expect(items).toMatchObject([{ stream, group: 'billing', error: { message: 'not yet' } }]);
      expect(await queue.redrive(stream, { ids: [items[0]!.deadLetterId] })).toBe(1);
      await until('it has run again', () => settled.length === 5);
      expect(outcomes()[4]).toBe('handled');
      expect((await queue.list(stream)).items).toEqual([]);
    },
  );
});
