// @ts-check
import { consumeAll } from './consuming.js';

/** @typedef {import('./types.js').Measure} Measure */

/** @type {Measure} */
export const RATE = { key: 'rate', label: 'messages/s', compared: true };
/** @type {Measure} */
export const NODE_US = { key: 'nodeUs', label: 'Node µs per message', digits: 1 };
/** @type {Measure} */
export const REDIS_US = { key: 'serverUs', label: 'Redis µs per message', digits: 1 };
/** @type {Measure} */
export const POSTGRES_US = { key: 'serverUs', label: 'PostgreSQL µs per message', digits: 1 };
/** @type {Measure} */
export const NATS_US = { key: 'serverUs', label: 'NATS µs per message', digits: 1 };
/** @type {Measure} */
export const KAFKA_US = { key: 'serverUs', label: 'Kafka µs per message', digits: 1 };

/**
 * Has one system drain a backlog of messages of 200 B in one stream, unless told otherwise. It reads
 * all `streams`; the messages lie in those that are `filled`, by default in all.
 *
 * @param {import('./stage.js').Stage} stage
 * @param {string} system
 * @param {Omit<import('./consuming.js').Consuming, 'streams'> & { streams?: string[], filled?: string[], size?: number }} wanted
 */
export async function drain(stage, system, wanted) {
  const { size = 200, retryDelay = 0, work } = wanted;
  const streams = wanted.streams ?? [`bench-${work.total}`];
  const filled = wanted.filled ?? streams;
  await stage.fill(system, { streams: filled, total: work.total, size, retryDelay });
  const { rate, nodeUs, serverUs } = await consumeAll(stage, system, { ...wanted, streams });
  return { rate, nodeUs, serverUs };
}
