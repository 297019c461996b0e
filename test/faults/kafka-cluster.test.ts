import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startKafkaCluster, type KafkaCluster } from '../support/kafka-cluster.js';
import { needsOwnKafka } from '../support/kafka.js';

describe('a cluster of the tests', needsOwnKafka(), () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await startKafkaCluster();
  });
  afterAll(() => cluster.stop());

  it('keeps what it has while the leader of a partition is dead', async () => {
    const { admin, client } = cluster.kafka;
    await admin.createTopics({ topics: [{ topic: 'orders' }] });
    const producer = client.producer();
    await producer.connect();
    await producer.send({ topic: 'orders', messages: [{ value: 'first' }] });
    const dead = await cluster.killLeaderOf('orders');
    const next = await cluster.untilLed('orders');
    expect(next).not.toBe(dead);
    const [sent] = await producer.send({ topic: 'orders', messages: [{ value: 'second' }] });
    expect(sent!.baseOffset).toBe('1');
    await dead.start();
    await cluster.untilCopied('orders');
    await producer.disconnect();
  });
});
