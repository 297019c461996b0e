import type { KafkaMessage } from 'kafkajs';
import type { TestKafka } from './kafka.js';
import { until } from './until.js';

/** A record as the client library reads it, with its partition. */
export type TestRecord = KafkaMessage & { readonly partition: number };

let readers = 0;

/** Reads a topic from its beginning, until there are as many records. In order per partition. */
export async function recordsIn(
  kafka: TestKafka,
  topic: string,
  count: number,
): Promise<TestRecord[]> {
  const groupId = `${kafka.prefix}reader-${++readers}`;
  const consumer = kafka.client.consumer({ groupId, maxWaitTimeInMs: 50 });
  const records: TestRecord[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: ({ message, partition }) => {
        records.push({ ...message, partition });
        return Promise.resolve();
      },
    });
    await until(`there are ${count} records in ${topic}`, () => records.length >= count);
  } finally {
    await consumer.disconnect();
  }
  return records;
}

/** Number of records that a topic has had. */
export async function endOf(kafka: TestKafka, topic: string): Promise<number> {
  const offsets = await kafka.admin.fetchTopicOffsets(topic);
  return offsets.reduce((sum, { high }) => sum + Number(high), 0);
}
