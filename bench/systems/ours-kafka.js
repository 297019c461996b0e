// @ts-check
/** A Nest application with this library and Kafka. */
import { kafka } from 'nestjs-redis-streams/kafka';
import { consumerOn, publisherOn } from './on-driver.js';

/** @param {{ url: string }} options */
const driver = ({ url }) => kafka({ brokers: url.split(',') });

export const consume = consumerOn(driver);
export const publisher = publisherOn(driver);
