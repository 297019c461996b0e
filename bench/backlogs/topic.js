// @ts-check
/** What waits in a Kafka topic, as the library writes it. */
import { setTimeout as pause } from 'node:timers/promises';
import { payloadMaker } from '../payload.js';

/** Commits leave the messages where they are. */
export const stays = true;

const AT_ONCE = 1000;

/** @typedef {{ url: string, kafka: import('kafkajs').Kafka, admin: import('kafkajs').Admin }} KafkaClients */

/** @param {KafkaClients} clients @param {{ streams: readonly string[], total: number, size: number }} wanted */
export async function fill({ url, admin }, { streams: [stream = ''], total, size }) {
  await createTopic(admin, stream);
  // Loaded late: the library may be built when the bench begins.
  const { publisher } = await import('../systems/ours-kafka.js');
  const ours = await publisher({ url, stream });
  const make = payloadMaker(size);
  try {
    for (let from = 0; from < total; from += AT_ONCE) {
      const length = Math.min(AT_ONCE, total - from);
      await ours.publishBatch?.(Array.from({ length }, (_, n) => make(from + n)));
    }
  } finally {
    await ours.close();
  }
}

/** Makes a topic, and waits until its partitions have leaders. @param {import('kafkajs').Admin} admin @param {string} topic */
export async function createTopic(admin, topic) {
  // The client's own wait rejects where the broker that it asks does not know of the topic yet.
  await admin.createTopics({ topics: [{ topic }], waitForLeaders: false });
  while (!(await isLed(admin, topic))) await pause(10);
}

/** @param {import('kafkajs').Admin} admin @param {string} topic */
async function isLed(admin, topic) {
  return admin.fetchTopicOffsets(topic).then(
    () => true,
    () => false,
  );
}

/** The consumer group of a group of ours, which has one for each stream. @param {{ streams: readonly string[], groups: readonly string[] }} where */
export function groupIdOf({ streams: [stream = ''], groups: [group = ''] }) {
  return `${group}/${stream}`;
}

/** @param {KafkaClients} clients @param {{ streams: readonly string[], groups: readonly string[] }} where */
export async function unsettled({ admin }, where) {
  const [stream = ''] = where.streams;
  const ends = await admin.fetchTopicOffsets(stream);
  const [committed] = await admin.fetchOffsets({ groupId: groupIdOf(where), topics: [stream] });
  const reached = committed?.partitions.map(({ offset }) => Math.max(0, Number(offset))) ?? [];
  return sum(ends.map(({ high }) => Number(high))) - sum(reached);
}

/** @param {KafkaClients} clients @param {{ streams: readonly string[], groups: readonly string[] }} where */
export async function forgetGroups({ admin }, where) {
  await admin.deleteGroups([groupIdOf(where)]);
}

/**
 * How many messages were published, each of them once.
 *
 * @param {KafkaClients} clients
 * @param {{ stream: string, total: number }} where
 */
export async function published({ admin, kafka }, { stream, total }) {
  const ends = await admin.fetchTopicOffsets(stream);
  const stored = sum(ends.map(({ high }) => Number(high)));
  const seen = new Uint8Array(total);
  const groupId = `check/${stream}`;
  const consumer = kafka.consumer({ groupId });
  await consumer.connect();
  await consumer.subscribe({ topics: [stream], fromBeginning: true });
  let left = stored;
  await new Promise((resolve, reject) => {
    const eachMessage = async (/** @type {import('kafkajs').EachMessagePayload} */ { message }) => {
      /** @type {import('../types.js').Payload} */
      const { n } = JSON.parse(String(message.value));
      if (seen[n] === 1) reject(new Error(`Message ${n} was published twice`));
      seen[n] = 1;
      if (--left === 0) resolve(undefined);
    };
    consumer.run({ eachMessage }).catch(reject);
  });
  await consumer.disconnect();
  await admin.deleteGroups([groupId]);
  return stored;
}

/** @param {readonly number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
