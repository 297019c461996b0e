import { Backoff } from '../../../../../core/backoff.js';
import { sleep, systemClock } from '../../../../../core/clock.js';
import { isReply, KafkaReplyError } from '../../../errors/kafka-reply.error.js';
import type { KafkaTopic } from '../../kafka-client.js';
import type { KafkajsBrokers } from './kafkajs-brokers.js';

const MISSING = 'UNKNOWN_TOPIC_OR_PARTITION';

/** The requests about topics. */
export class KafkajsTopics {
  /** @param requestTimeout in milliseconds */
  constructor(
    private readonly brokers: KafkajsBrokers,
    private readonly requestTimeout: number,
  ) {}

  async create(topics: readonly KafkaTopic[]): Promise<void> {
    for (const topic of topics) await this.createTopic(topic);
    for (const { topic } of topics) await this.hasLeaders(topic);
  }

  async delete(topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      await unless([MISSING], () =>
        this.brokers.askController(`deleting the topic "${topic}"`, (broker) =>
          broker.deleteTopics({ topics: [topic], timeout: this.requestTimeout }),
        ),
      );
    }
  }

  async partitions(topics: readonly string[]): Promise<Map<string, readonly number[]>> {
    const found = new Map<string, readonly number[]>();
    // An empty list would ask for all topics.
    if (topics.length === 0) await this.brokers.reach();
    for (const topic of topics) {
      const metadata = await unless([MISSING], () => this.brokers.metadata(topic));
      if (metadata) {
        const partitions = metadata.partitionMetadata.map(({ partitionId }) => partitionId);
        found.set(
          topic,
          partitions.sort((a, b) => a - b),
        );
      }
    }
    return found;
  }

  async list(): Promise<string[]> {
    const { topicMetadata } = await this.brokers.ask('listing topics', (broker) =>
      broker.metadata([]),
    );
    return topicMetadata.map(({ topic }) => topic);
  }

  private async createTopic({
    topic,
    partitions,
    replicationFactor,
    config,
  }: KafkaTopic): Promise<void> {
    const wanted = {
      topic,
      numPartitions: partitions,
      ...(replicationFactor !== undefined && { replicationFactor }),
      configEntries: Object.entries(config ?? {}).map(([name, value]) => ({ name, value })),
    };
    await unless(['TOPIC_ALREADY_EXISTS'], () =>
      this.brokers.askController(`making the topic "${topic}"`, (broker) =>
        broker
          .createTopics({ topics: [wanted], timeout: this.requestTimeout })
          .catch((error: unknown) => {
            // kafkajs gathers the errors of all topics.
            throw (error as { readonly errors?: readonly Error[] }).errors?.[0] ?? error;
          }),
      ),
    );
  }

  /** A broker may not know yet what the controller has made. */
  private async hasLeaders(topic: string): Promise<void> {
    const deadline = systemClock.now() + this.requestTimeout;
    const backoff = new Backoff();
    for (;;) {
      const metadata = await unless([MISSING], () => this.brokers.metadata(topic));
      if (metadata?.partitionMetadata.every(({ leader }) => leader >= 0)) return;
      if (systemClock.now() >= deadline) throw missingTopic(`making the topic "${topic}"`);
      await sleep(systemClock, backoff.next());
    }
  }
}

/** The error of a topic that does not exist. */
export const missingTopic = (action: string): KafkaReplyError =>
  new KafkaReplyError(action, MISSING, 'This server does not host this topic-partition');

/** Undefined where the broker has refused the request with one of these errors. */
async function unless<T>(types: string[], request: () => Promise<T>): Promise<T | undefined> {
  try {
    return await request();
  } catch (error) {
    if (isReply(error, ...types)) return undefined;
    throw error;
  }
}
