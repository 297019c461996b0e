// @ts-check
/** A Nest application with this library and PostgreSQL. */
import { postgres } from 'nestjs-redis-streams/postgres';
import { consumerOn, publisherOn } from './on-driver.js';

export const consume = consumerOn(postgres);
export const publisher = publisherOn(postgres);
