// @ts-check
import { Kafka, logLevel } from 'kafkajs';
import { KAFKA_VERSION } from '../../test/support/kafka-jars.js';
import { startKafka } from '../../test/support/kafka-process.js';
import { cpuOfProcess } from './process-cpu.js';

/** Of each topic that is made without a number of its own. */
const PARTITIONS = 3;

/**
 * A private Kafka broker. It writes to the system's pages, and calls `fsync` when it likes, as Kafka does
 * by default; one broker keeps one copy.
 */
export class KafkaOfBench {
  /**
   * @param {import('../../test/support/kafka-process.js').KafkaServer} server
   * @param {Kafka} kafka
   * @param {import('kafkajs').Admin} admin
   */
  constructor(server, kafka, admin) {
    this.server = server;
    this.url = server.brokers.join(',');
    this.client = { url: this.url, kafka, admin };
  }

  static async start() {
    const config = { 'num.partitions': PARTITIONS };
    const server = await startKafka({ config, java: ['-Xmx512m'] });
    const kafka = new Kafka({ brokers: server.brokers, logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    return new KafkaOfBench(server, kafka, admin);
  }

  /** CPU time of the broker, µs. */
  async cpu() {
    return cpuOfProcess(this.server.pid);
  }

  /** The version of the broker. */
  async version() {
    return KAFKA_VERSION;
  }

  /** Deletes all topics but those of the broker itself. */
  async clear() {
    const { admin } = this.client;
    const topics = (await admin.listTopics()).filter((topic) => !topic.startsWith('__'));
    if (topics.length > 0) await admin.deleteTopics({ topics });
  }

  async stop() {
    await this.client.admin.disconnect();
    await this.server.stop();
  }
}
