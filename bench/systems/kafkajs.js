// @ts-check
/**
 * KafkaJS as its documentation shows it: `eachMessage`, which handles the messages of a partition one
 * after the other and commits by itself after each batch, and `producer.sendBatch()`. No retries with
 * waits, no dead letters, and no other messages of a partition go on beside a slow one.
 */
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { createTopic, groupIdOf } from '../backlogs/topic.js';
import { EVENT } from '../payload.js';

/** @param {string} url */
const clientOf = (url) => new Kafka({ brokers: url.split(','), logLevel: logLevel.NOTHING });

/** @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume({ url, streams, groups }, handle) {
  const kafka = clientOf(url);
  const consumer = kafka.consumer({ groupId: groupIdOf({ streams, groups }) });
  await consumer.connect();
  await consumer.subscribe({ topics: [...streams], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => handle(JSON.parse(String(message.value)), 0),
  });
  return () => consumer.disconnect();
}

/** Messages as the library writes them. @type {NonNullable<import('../types.js').System['publisher']>} */
export async function publisher({ url, stream }) {
  const kafka = clientOf(url);
  const admin = kafka.admin();
  await admin.connect();
  await createTopic(admin, stream);
  await admin.disconnect();
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();

  /** @param {import('../types.js').Payload} payload */
  const message = (payload) => ({
    value: JSON.stringify(payload),
    headers: { event_type: EVENT, timestamp: String(Date.now()) },
  });

  return {
    publish: (payload) => producer.send({ topic: stream, messages: [message(payload)] }),
    publishBatch: (payloads) =>
      producer.sendBatch({ topicMessages: [{ topic: stream, messages: payloads.map(message) }] }),
    close: () => producer.disconnect(),
  };
}
