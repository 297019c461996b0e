import { expect, test } from 'vitest';
import { Coordinators } from '../../lib/drivers/kafka/connection/kafkajs/access/coordinators.js';
import type {
  KafkajsBroker,
  Metadata,
  Parse,
} from '../../lib/drivers/kafka/connection/kafkajs/library/kafkajs-broker.js';
import type { KafkajsCluster } from '../../lib/drivers/kafka/connection/kafkajs/library/kafkajs-cluster.js';
import { keepMetadataByTopic } from '../../lib/drivers/kafka/connection/kafkajs/library/metadata-by-topic.js';
import { answered } from '../support/kafka-log.js';

const partition = (partitionId: number, leader: number) => ({ partitionId, leader });

/** Throws as kafkajs does: for all of the answer, where one topic or partition of it has an error. */
const strict: Parse = async (answer) => {
  for (const { topic, partitionMetadata } of answer.topicMetadata) {
    if (topic === 'missing') throw answered('UNKNOWN_TOPIC_OR_PARTITION');
    if (partitionMetadata.some(({ leader }) => leader < 0)) throw answered('LEADER_NOT_AVAILABLE');
  }
  return answer;
};

/** What a cluster is told by a broker with these topics. */
function told(topicMetadata: Metadata['topicMetadata']): Promise<Metadata> {
  const broker = {
    isConnected: () => true,
    lookupRequest: () => () => ({ request: {}, response: { parse: strict } }),
    async metadata(this: KafkajsBroker) {
      const { response } = this.lookupRequest()({});
      return response.parse({ topicMetadata });
    },
  } as unknown as KafkajsBroker;
  const brokerPool = { createBroker: () => broker };
  keepMetadataByTopic({ brokerPool } as unknown as KafkajsCluster);
  return brokerPool.createBroker().metadata([]);
}

test('a topic that is missing, or has a partition without a leader, hides no other one', async () => {
  const { topicMetadata } = await told([
    { topic: 'good', partitionMetadata: [partition(0, 1)] },
    { topic: 'missing', partitionMetadata: [] },
    { topic: 'offline', partitionMetadata: [partition(0, 1), partition(1, -1)] },
  ]);
  expect(topicMetadata.map(({ error }) => error?.message)).toEqual([
    ...[undefined, 'UNKNOWN_TOPIC_OR_PARTITION', undefined],
  ]);
  expect(topicMetadata[2]!.partitionMetadata).toEqual([partition(0, 1), partition(1, -1)]);
});

test('a broker is connected once it has told the versions of its requests', () => {
  const broker = { isConnected: () => true, metadata: () => undefined, lookupRequest: () => null };
  const brokerPool = { createBroker: () => broker };
  keepMetadataByTopic({ brokerPool } as unknown as KafkajsCluster);
  const made = brokerPool.createBroker();
  expect(made.isConnected()).toBe(false);
  made.lookupRequest = () => null;
  expect(made.isConnected()).toBe(true);
});

test('a coordinator is asked for once, and again after it was not reached or is forgotten', async () => {
  let asked = 0;
  // Brokers are choosing it.
  let choosing = 2;
  let isReached = true;
  const broker = {
    findGroupCoordinator: async () => {
      if (choosing-- > 0) throw answered('GROUP_COORDINATOR_NOT_AVAILABLE');
      return { coordinator: { nodeId: ++asked } };
    },
  };
  let nodes: string[] = [];
  const cluster = {
    getNodeIds: () => nodes,
    refreshMetadata: async () => void (nodes = ['1']),
    brokerPool: { findConnectedBroker: async () => broker },
    findBroker: async ({ nodeId }: { nodeId: number }) => {
      if (!isReached || nodes.length === 0) throw new Error('not reached');
      return nodeId;
    },
  } as unknown as KafkajsCluster;
  const coordinators = new Coordinators();
  const group = { type: 'group', id: 'g' } as const;
  const transaction = { type: 'transaction', id: 'g' } as const;
  const find = (of: typeof group | typeof transaction) => coordinators.of(cluster, of);
  expect(await Promise.all([find(group), find(group)])).toEqual([1, 1]);
  expect(await find(transaction)).toBe(2);
  isReached = false;
  await expect(find(group)).rejects.toThrow('not reached');
  isReached = true;
  expect([await find(group), await find(transaction)]).toEqual([3, 2]);
  // Other connections do not know the brokers yet.
  nodes = [];
  expect(await find(group)).toBe(3);
  coordinators.forget(transaction);
  expect(await find(transaction)).toBe(4);
});
