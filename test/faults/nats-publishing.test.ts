import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { nats as natsDriver } from '../../lib/drivers/nats/nats.driver.js';
import { startNatsCluster, type NatsCluster } from '../support/nats-cluster.js';
import { needsNats } from '../support/nats.js';
import { until } from '../support/until.js';

const VERSIONS = ['floor', 'current'] as const;

describe('publishing to a cluster of NATS', needsNats(...VERSIONS), () => {
  describe.each(VERSIONS)('of the %s version', (version) => {
    let cluster: NatsCluster;
    beforeAll(async () => {
      cluster = await startNatsCluster({ version });
    });
    afterAll(() => cluster.stop());

    test('whose leader of the stream dies: nothing that was told is lost, and nothing is there twice', async () => {
      const driver = natsDriver({
        ...{ servers: cluster.urls(), streams: { replicas: 3 } },
        ...{ connectTimeout: 15_000, requestTimeout: 2000 },
      }).open({ events: new EventBus(), keyPrefix: '' });
      const told = new Map<string, string | Error>();
      let [stopped, count] = [false, 0];
      const publishOn = async (producer: number): Promise<void> => {
        for (let batch = 0; !stopped; batch++) {
          const values = Array.from({ length: 10 }, (_, at) => `${producer}-${batch}-${at}`);
          const results = await driver.source.publish(
            values.map((value) => ({ stream: 'orders', fields: ['payload', value] })),
          );
          for (const [at, value] of values.entries()) told.set(value, results[at]!);
          count++;
        }
      };
      const producers = Promise.all([0, 1, 2, 3].map(publishOn));
      await until('producers publish', () => count > 100);
      const dead = await cluster.killLeaderOf('orders');
      const killed = performance.now();
      const before = count;
      await until('producers publish again', () => count > before + 100, 30_000);
      const seconds = (performance.now() - killed) / 1000;
      stopped = true;
      await producers;
      await dead.start();
      // What came later waited for the new leader: only what was under way is not known.
      for (const result of told.values()) {
        if (result instanceof Error) expect(result).toMatchObject({ outcome: 'unknown' });
      }
      const client = await connect({ servers: cluster.urls() });
      const manager = await jetstreamManager(client, { checkAPI: false });
      const { state } = await manager.streams.info('orders');
      const stored = new Map<string, string[]>();
      for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
        const message = await manager.streams.getMessage('orders', { seq });
        const value = message!.string();
        stored.set(value, [...(stored.get(value) ?? []), String(seq)]);
      }
      await client.close();
      for (const [value, result] of told) {
        const ids = stored.get(value) ?? [];
        expect(ids.length, `how often ${value} is stored`).toBeLessThanOrEqual(1);
        if (typeof result === 'string') expect(ids).toEqual([result]);
      }
      expect(seconds, 'seconds without a stored message').toBeLessThan(20);
      await driver.source.close();
    }, 60_000);
  });
});
