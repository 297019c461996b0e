import type { KafkaRecord } from '../../kafka-client.js';
import type { ProduceBatch } from './produce-batch.js';
import type { ProducerState } from './producer-state.js';

const ALL_REPLICAS = -1;

interface RequestParts {
  /** One of each partition at most. */
  readonly batches: readonly ProduceBatch[];
  readonly producer: ProducerState;
  /** For how long the broker may wait for replicas, in milliseconds. */
  readonly ms: number;
  readonly transactionalId: string | undefined;
  readonly compression: number | undefined;
}

/** The request as kafkajs takes it. Its types know only producers without an identity. */
export interface ProduceRequest {
  readonly producerId: string;
  readonly producerEpoch: number;
  readonly acks: number;
  readonly timeout: number;
  readonly transactionalId?: string;
  readonly compression?: number;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly PartitionData[];
  }[];
}

interface PartitionData {
  readonly partition: number;
  readonly firstSequence: number;
  readonly messages: readonly KafkaRecord[];
}

/** A request that writes batches, numbered so that the broker knows a repetition. */
export function produceRequest({
  batches,
  producer,
  ms,
  transactionalId,
  compression,
}: RequestParts): ProduceRequest {
  const { producerId, producerEpoch } = producer;
  const topics = new Map<string, PartitionData[]>();
  for (const { topic, partition, entries } of batches) {
    const messages = entries.map(({ record }) => record);
    const own = { partition, firstSequence: producer.sequenceOf(topic, partition), messages };
    const others = topics.get(topic);
    if (others) others.push(own);
    else topics.set(topic, [own]);
  }
  return {
    ...{ producerId, producerEpoch, acks: ALL_REPLICAS, timeout: Math.ceil(ms) },
    topicData: Array.from(topics, ([topic, partitions]) => ({ topic, partitions })),
    ...(transactionalId !== undefined && { transactionalId }),
    ...(compression !== undefined && { compression }),
  };
}
