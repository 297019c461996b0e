// @ts-check
/** A Nest application with this library and NATS JetStream. */
import { nats } from 'nestjs-redis-streams/nats';
import { consumerOn, publisherOn } from './on-driver.js';

export const consume = consumerOn(nats);
export const publisher = publisherOn(nats);
