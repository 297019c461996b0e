import type { KafkaAdmin } from '../connection/kafka-client.js';

/** What is known of a topic. */
export interface TopicFacts {
  readonly partitions: number;
  /** Most bytes of a batch of records, after compression. */
  readonly maxBytes: number;
}

/** Most bytes of a batch, unless the topic or the broker is configured otherwise. */
export const USUAL_MOST_BYTES = 1_048_588;

/** Returns what is known of a topic. Undefined: it does not exist. */
export async function factsOf(admin: KafkaAdmin, topic: string): Promise<TopicFacts | undefined> {
  const partitions = await partitionsOf(admin, topic);
  if (partitions === undefined) return undefined;
  return { partitions, maxBytes: await mostBytesOf(admin, topic) };
}

/** Number of partitions of a topic. Undefined: it does not exist. */
export async function partitionsOf(admin: KafkaAdmin, topic: string): Promise<number | undefined> {
  return (await admin.topics([topic])).get(topic)?.length;
}

/** A producer may have no right to read configurations. */
async function mostBytesOf(admin: KafkaAdmin, topic: string): Promise<number> {
  try {
    const config = await admin.config(topic);
    return Number(config.get('max.message.bytes')) || USUAL_MOST_BYTES;
  } catch {
    return USUAL_MOST_BYTES;
  }
}
