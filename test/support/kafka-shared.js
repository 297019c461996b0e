// @ts-check
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { givenBrokers } from './kafka-jars.js';
import { startKafka } from './kafka-process.js';

/** The port on which the main process of a test run tells its test files where the broker is. */
const PORT = 'KAFKA_SHARED_PORT';

/** @import { AddressInfo } from 'node:net' */
/** @import { KafkaServer } from './kafka-process.js' */

/**
 * Global setup of Vitest: one broker for all test files of a run, which is started when the first of
 * them asks for it. A run without tests of Kafka starts none.
 *
 * @returns {Promise<(() => Promise<void>) | undefined>} stops the broker
 */
export default async function setup() {
  // Another project of the same run has it.
  if (process.env[PORT] !== undefined) return undefined;
  /** @type {Promise<KafkaServer> | undefined} */
  let started;
  const desk = createServer((socket) => {
    socket.on('error', () => undefined);
    started ??= startKafka();
    started.then(
      ({ brokers }) => socket.end(JSON.stringify({ brokers })),
      (error) => socket.end(JSON.stringify({ problem: String(error) })),
    );
  });
  desk.unref().listen(0, '127.0.0.1');
  await once(desk, 'listening');
  process.env[PORT] = String(/** @type {AddressInfo} */ (desk.address()).port);
  return async () => {
    delete process.env[PORT];
    desk.close();
    const server = await started?.catch(() => undefined);
    await server?.stop();
  };
}

/**
 * Where the broker is that all test files of the run share: what KAFKA_BROKERS names, else a private
 * one. Use names of your own for topics and groups, and do not stop, freeze or configure it.
 *
 * @returns {Promise<string[]>}
 */
export async function sharedBrokers() {
  const given = givenBrokers();
  if (given) return given;
  const port = process.env[PORT];
  if (port === undefined)
    throw new Error('This test was not started by Vitest with our configuration');
  /** @type {{ brokers?: string[], problem?: string }} */
  const { brokers, problem } = JSON.parse(await text(connect(Number(port), '127.0.0.1')));
  if (brokers === undefined) throw new Error(problem);
  return brokers;
}
