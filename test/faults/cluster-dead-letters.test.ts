import { expect, it } from 'vitest';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { startCluster } from '../support/redis-cluster.js';
import { until } from '../support/until.js';

it('across slots of a cluster, forward publishes first and acknowledges after', async () => {
  const cluster = await startCluster({ masters: 2 });
  try {
    const consumer = await RecordingConsumer.start({
      redis: { cluster: cluster.addresses },
      keyPrefix: '',
      streams: ['{a}s'],
      maxDeliveries: 1,
      handle: () => {
        throw new Error('no stock');
      },
      deadLetter: () => ({ forward: '{b}t' }),
    });
    await consumer.publish('{a}s', 2);
    const settled = () => consumer.of('settled').map(({ outcome }) => outcome);
    await until('both are settled', () => settled().length >= 2);
    expect(settled()).toEqual(['forwarded', 'forwarded']);
    const lengths = await Promise.all(
      cluster.nodes.map(({ client }) => client.xlen('{b}t').catch(() => 0)),
    );
    expect(lengths.reduce((sum, one) => sum + one)).toBe(2);
    await consumer.close();
  } finally {
    await cluster.stop();
  }
});
