// @ts-check
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { startNats } from '../../test/support/nats-process.js';
import { cpuOfProcess } from './process-cpu.js';

/**
 * A private NATS server with JetStream, of the oldest version that the library supports. It stores in
 * files, with its own defaults.
 */
export class NatsOfBench {
  /**
   * @param {import('../../test/support/nats-process.js').NatsServer} server
   * @param {import('@nats-io/transport-node').NatsConnection} connection
   * @param {import('@nats-io/jetstream').JetStreamManager} manager
   */
  constructor(server, connection, manager) {
    this.server = server;
    this.url = server.url();
    this.connection = connection;
    this.client = { url: this.url, manager };
  }

  static async start() {
    const server = await startNats({ version: 'floor' });
    const connection = await connect({ servers: server.url() });
    return new NatsOfBench(server, connection, await jetstreamManager(connection));
  }

  /** CPU time of the server, µs. */
  async cpu() {
    return cpuOfProcess(this.server.pid);
  }

  /** The version of the server. */
  async version() {
    return this.connection.info?.version ?? 'unknown';
  }

  /** Deletes all streams. */
  async clear() {
    const { streams } = this.client.manager;
    for await (const name of streams.names()) await streams.delete(name);
  }

  async stop() {
    await this.connection.close();
    await this.server.stop();
  }
}
