import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNatsCluster, type NatsCluster } from '../support/nats-cluster.js';
import { needsNats } from '../support/nats.js';

const VERSIONS = ['floor', 'current'] as const;

describe('a NATS cluster of the tests', needsNats(...VERSIONS), () => {
  describe.each(VERSIONS)('%s version', (version) => {
    let cluster: NatsCluster;
    beforeAll(async () => void (cluster = await startNatsCluster({ version })));
    afterAll(() => cluster.stop());

    it('elects another leader of a stream, which keeps what it has stored', async () => {
      const { streams } = await jetstreamManager(cluster.client);
      await streams.add({ name: 'orders', subjects: ['orders'], num_replicas: 3 });
      await jetstream(cluster.client).publish('orders', 'kept');
      const killed = await cluster.killLeaderOf('orders');
      const leader = await cluster.untilLed('orders');
      expect(leader.name).not.toBe(killed.name);
      const message = await streams.getMessage('orders', { seq: 1 });
      expect(message?.string()).toBe('kept');
      await killed.start();
    });
  });
});
