import { randomBytes } from 'node:crypto';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import type { SuiteOptions } from 'vitest';
import type { KafkaLogin } from './kafka-auth.js';
import { givenBrokers, missingKafka } from './kafka-jars.js';
import { sharedBrokers } from './kafka-shared.js';
import { until } from './until.js';

export interface TestKafka {
  readonly brokers: string[];
  /** Begins the names of all topics and groups of this test file, as `t3f9a1c.`. */
  readonly prefix: string;
  /** The client library, for what the test itself sends and reads. Prints nothing. */
  readonly client: Kafka;
  /** Connected, for topics and offsets. */
  readonly admin: Admin;
  /**
   * Makes a topic, a tenth of a second faster than `admin` does.
   *
   * @param name without the prefix
   * @returns the whole name, once all partitions have a leader
   */
  createTopic(name: string, partitions?: number): Promise<string>;
  /** Deletes the topics of this test file, and its groups without members; closes `admin`. */
  cleanup(): Promise<void>;
}

/**
 * A name space for one test file, on the broker that all test files of the run share. The broker makes no
 * topics by itself.
 *
 * @param brokers others than the shared one, such as those of `startKafka()`
 * @param login how the client of the test logs in, one of those in kafka-auth.ts. Default: anyhow
 */
export async function testKafka(
  brokers?: readonly string[],
  login?: KafkaLogin,
): Promise<TestKafka> {
  const addresses = brokers ? [...brokers] : await sharedBrokers();
  const client = new Kafka({
    brokers: addresses,
    clientId: 'test',
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 20 },
    ...login?.client,
  });
  const admin = client.admin();
  await admin.connect();
  const prefix = `t${randomBytes(5).toString('hex')}.`;
  const isOurs = (name: string): boolean => name.startsWith(prefix);
  return {
    brokers: addresses,
    prefix,
    client,
    admin,
    async createTopic(name, numPartitions = 1) {
      const topic = prefix + name;
      // Its own wait sleeps 100 ms at least.
      await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions }] });
      await until(`${topic} is there`, () => isLed(admin, topic));
      return topic;
    },
    async cleanup() {
      const topics = (await admin.listTopics()).filter(isOurs);
      if (topics.length > 0) await admin.deleteTopics({ topics });
      const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId).filter(isOurs);
      // Those with members, whose test did not close them, cannot be deleted.
      if (groups.length > 0) await admin.deleteGroups(groups).catch(() => undefined);
      await admin.disconnect();
    },
  };
}

/** Whether all partitions of a topic have a leader. */
async function isLed(admin: Admin, topic: string): Promise<boolean> {
  const metadata = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => undefined);
  return metadata?.topics[0]?.partitions.every(({ leader }) => leader >= 0) ?? false;
}

/**
 * Options of the `describe` around all that a file of Kafka tests has: where there is no broker, the
 * tests and their hooks are left out, and the test run names them with the reason.
 *
 *     describe('streams of Kafka', needsKafka(), () => { … });
 */
export function needsKafka(): SuiteOptions {
  return givenBrokers() ? {} : needsOwnKafka();
}

/** Like `needsKafka()`, for tests that start brokers: KAFKA_BROKERS does not serve these. */
export function needsOwnKafka(): SuiteOptions {
  const missing = missingKafka();
  return missing === undefined ? {} : { skip: true, meta: { notRun: missing } };
}
