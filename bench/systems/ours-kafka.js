// @ts-check
/** A Nest application with this library and Kafka. */
import { Kafka, logLevel } from 'kafkajs';
import { kafka } from 'nestjs-redis-streams/kafka';
import { createTopic } from '../backlogs/topic.js';
import { consumerOn, publisherOn } from './on-driver.js';

/** @param {{ url: string }} options */
const driver = ({ url }) => kafka({ brokers: url.split(',') });
const publish = publisherOn(driver);

export const consume = consumerOn(driver);

/** The topic is there before a consumer looks for it, as for KafkaJS. @type {typeof publish} */
export async function publisher(options) {
  const admin = new Kafka({ brokers: options.url.split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await createTopic(admin, options.stream);
  await admin.disconnect();
  return publish(options);
}
