import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasNoLeader } from '../../lib/drivers/kafka/errors/kafka-connection.errors.js';
import { startKafkaCluster, type KafkaCluster } from '../support/kafka-cluster.js';
import { KafkaReader } from '../support/kafka-reader.js';
import { needsOwnKafka } from '../support/kafka.js';
import { until } from '../support/until.js';

/** The coordinator of the group may be on the broker that is killed: another one has to take over. */
const SESSION = 6000;
const WITHIN = 30_000;

/** A topic whose partitions are on one broker each; one of the brokers is killed. */
describe('Kafka: a partition without a leader', needsOwnKafka(), () => {
  let cluster: KafkaCluster;
  const readers: KafkaReader[] = [];
  beforeAll(async () => {
    cluster = await startKafkaCluster();
  });
  afterAll(async () => {
    await Promise.all(readers.map((reader) => reader.close()));
    await cluster.stop();
  });

  const reader = (consumer: string): Promise<KafkaReader> => {
    const { brokers, kafka } = cluster;
    const made = new KafkaReader({ brokers }, kafka.prefix, { consumer, idleTimeout: SESSION });
    readers.push(made);
    return made.open();
  };

  it(
    'does not stop the other partitions from being read, written and shared out',
    { timeout: 90_000 },
    async () => {
      const topic = `${cluster.kafka.prefix}orders`;
      await cluster.kafka.admin.createTopics({
        topics: [
          {
            topic,
            replicaAssignment: [1, 2, 3].map((node, partition) => ({
              partition,
              replicas: [node],
            })),
            configEntries: [{ name: 'min.insync.replicas', value: '1' }],
          },
        ],
      });
      const one = (await reader('one')).run();
      const publish = async (...partitions: (number | undefined)[]) =>
        one.driver.source.publish(
          partitions.map((partition) => ({
            ...{ stream: 'orders', fields: ['event_type', 'e'] },
            ...(partition !== undefined && { partition }),
          })),
        );
      const confirmed = new Set<string>();
      const published = async (...partitions: (number | undefined)[]) => {
        const results = await publish(...partitions);
        for (const result of results) if (typeof result === 'string') confirmed.add(result);
        return results;
      };
      const allSettled = (...by: KafkaReader[]) =>
        until(
          'all that was published is settled',
          () => by.reduce((sum, { settled }) => sum + settled.length, 0) >= confirmed.size,
          WITHIN,
        );
      await published(0, 1, 2);
      await allSettled(one);

      const dead = cluster.nodes[2]!;
      await dead.kill();
      await until(
        'a message for the partition is refused for its lack of a leader',
        async () => hasNoLeader((await published(0, 1, 2))[2]),
        WITHIN,
      );
      const until2Sessions = Date.now() + 2 * SESSION;
      let rounds = 0;
      while (Date.now() < until2Sessions || rounds < 20) {
        rounds++;
        const [first, second, third] = await published(0, 1, 2);
        expect([typeof first, typeof second, hasNoLeader(third)]).toEqual([
          ...['string', 'string', true],
        ]);
        // Without a key a message goes to one that has a leader.
        for (let at = 0; at < 3; at++)
          expect(typeof (await published(undefined))[0]).toBe('string');
        await allSettled(one);
      }
      expect(one.count('partitions-revoked')).toBe(0);

      const two = (await reader('two')).run();
      await until('the second has a share', () => two.count('partitions-assigned') > 0, WITHIN);
      for (let round = 0; round < 20; round++) {
        await published(0, 1);
        await allSettled(one, two);
      }

      await dead.start();
      await until(
        'a message goes to the partition again',
        async () => typeof (await published(2))[0] === 'string',
        WITHIN,
      );
      await allSettled(one, two);
      const settled = [...one.settled, ...two.settled];
      expect(new Set(settled)).toEqual(confirmed);
      const errors = [one, two].flatMap(({ told }) =>
        told.filter(({ name }) => name === 'worker-error' || name === 'messages-lost'),
      );
      console.log(
        `Kafka, a partition without a leader: ${rounds} rounds of the others, ${confirmed.size} settled, ` +
          `${settled.length - confirmed.size} twice, told: ${JSON.stringify(errors.map(({ event }) => String((event as { error?: unknown }).error)))}`,
      );
    },
  );
});
