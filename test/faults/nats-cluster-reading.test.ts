import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { nats } from '../../lib/drivers/nats/nats.driver.js';
import type { Driver } from '../../lib/ports/driver.js';
import { startNatsCluster, type NatsCluster } from '../support/nats-cluster.js';
import { Drainer } from '../support/nats-world.js';
import { needsNats } from '../support/nats.js';
import { pace } from '../support/passing-time.js';
import { until } from '../support/until.js';

const VERSIONS = ['floor', 'current'] as const;
const KILLS = 2;
/** Longest time without a handled message, in seconds: the servers take 4 to 9 to elect a leader. */
const SOON = 20;

describe('reading from a cluster of NATS', needsNats(...VERSIONS), () => {
  describe.each(VERSIONS)('of the %s version', (version) => {
    let cluster: NatsCluster;
    beforeAll(async () => {
      cluster = await startNatsCluster({ version });
    });
    afterAll(() => cluster.stop());

    function opened(): Driver {
      const driver = nats({
        ...{ servers: cluster.urls(), streams: { replicas: 3 } },
        ...{ connectTimeout: 15_000, requestTimeout: 2000 },
      }).open({ events: new EventBus(), keyPrefix: '' });
      onTestFinished(() => driver.source.close());
      return driver;
    }

    async function reading(consumer: string): Promise<Drainer> {
      const driver = opened();
      const subscription = await driver.source.subscribe({
        ...{ streams: ['orders'], group: 'g', consumer, startId: '0' },
        ...{ blockTimeout: 500, idleTimeout: 10_000, reclaimInterval: 500 },
      });
      const drainer = new Drainer(driver, subscription);
      onTestFinished(() => drainer.end());
      return drainer;
    }

    test('whose leader of the stream dies: all that was told is handled, and it goes on soon', async () => {
      const drainers = [await reading('a'), await reading('b'), await reading('c')];
      const seen = () => new Set(drainers.flatMap((one) => [...one.seen.keys()]));
      const times = () => drainers.flatMap((one) => [...one.seen.values()]);
      const producer = opened();
      const told = new Set<string>();
      let stopped = false;
      const publishing = (async () => {
        for (let batch = 0; !stopped; batch++) {
          const values = Array.from({ length: 10 }, (_, at) => `${batch}-${at}`);
          const results = await producer.source.publish(
            values.map((value) => ({
              stream: 'orders',
              fields: ['event_type', 'e', 'payload', value],
            })),
          );
          for (const [at, value] of values.entries())
            if (typeof results[at] === 'string') told.add(value);
          await pace(2);
        }
      })();
      const seconds: number[] = [];
      for (let kill = 0; kill < KILLS; kill++) {
        const before = seen().size;
        await until('messages are handled', () => seen().size > before + 500, SOON * 1000);
        const dead = await cluster.killLeaderOf('orders');
        const [killed, handled] = [performance.now(), seen().size];
        await until('it goes on', () => seen().size > handled + 500, 2 * SOON * 1000);
        seconds.push((performance.now() - killed) / 1000);
        await dead.start();
        await cluster.untilReady();
      }
      stopped = true;
      await publishing;
      const left = () => [...told].filter((value) => !seen().has(value));
      await until('all are handled', () => left().length === 0, SOON * 1000);
      for (const drainer of drainers) await drainer.stop();
      const again = times().reduce((sum, runs) => sum + runs, 0) - seen().size;
      console.log(
        `NATS ${version}, three servers: ${told.size} told, all handled, ${again} of them again; ` +
          `on after ${seconds.map((some) => some.toFixed(1)).join(' and ')} s`,
      );
      expect(Math.max(...seconds)).toBeLessThan(SOON);
      // Those that were being acknowledged: a batch of 50 of each consumer, at each kill.
      expect(again).toBeLessThanOrEqual(KILLS * drainers.length * 50);
    }, 120_000);
  });
});
