import type { Broker, CompressionTypes, Message } from 'kafkajs';
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
  readonly compression: CompressionTypes | undefined;
}

/** A broker's answer where it has stored all batches of a request. */
export interface ProduceAnswer {
  readonly topics: readonly {
    readonly topicName: string;
    readonly partitions: readonly { readonly partition: number; readonly baseOffset: string }[];
  }[];
}

/** A request that writes batches, numbered so that the broker knows a repetition. */
export function produceRequest({
  batches,
  producer,
  ms,
  transactionalId,
  compression,
}: RequestParts): Parameters<Broker['produce']>[0] {
  const { producerId, producerEpoch } = producer;
  const topics = new Map<string, Partition[]>();
  for (const { topic, partition, entries } of batches) {
    const messages = entries.map(({ record }) => record as Message);
    const own = { partition, firstSequence: producer.sequenceOf(topic, partition), messages };
    const others = topics.get(topic);
    if (others) others.push(own);
    else topics.set(topic, [own]);
  }
  return {
    // kafkajs keeps it as a text: it has 64 bits.
    producerId: producerId as unknown as number,
    ...{ producerEpoch, acks: ALL_REPLICAS, timeout: Math.ceil(ms) },
    topicData: Array.from(topics, ([topic, partitions]) => ({ topic, partitions })),
    ...(transactionalId !== undefined && { transactionalId }),
    ...(compression !== undefined && { compression }),
  };
}

type Partition = Parameters<Broker['produce']>[0]['topicData'][number]['partitions'][number];
