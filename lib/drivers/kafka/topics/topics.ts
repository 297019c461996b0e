import { systemClock } from '../../../core/clock.js';
import type { KafkaAdmin, KafkaTopic } from '../connection/kafka-client.js';
import type { CompletedKafkaOptions, TopicSettings } from '../connection/kafka.options.js';
import { isReply } from '../errors/kafka-reply.error.js';
import { KafkaTopicMissingError, KafkaTopicNameError } from '../errors/kafka-topic.errors.js';
import { SharedWork } from './shared-work.js';
import { factsOf, partitionsOf, USUAL_MOST_BYTES, type TopicFacts } from './topic-facts.js';

/** Most topics that are remembered. When there are more, all are asked for again. */
const MOST_KNOWN = 10_000;
/** The number of partitions that the brokers are configured with. */
const BROKERS_CHOICE = -1;
/** Messages have the time at which the broker has stored them. */
const BROKERS_CLOCK = { 'message.timestamp.type': 'LogAppendTime' };
/** Records stay until this driver deletes them. */
export const KEPT = { 'retention.ms': '-1', 'retention.bytes': '-1' };
/** Bytes that copies have for headers of ours, beside those of the largest message. */
const HEADROOM = 64 * 1024;

export interface TopicsParts {
  readonly admin: KafkaAdmin;
  readonly settings: TopicSettings;
  readonly options: Pick<CompletedKafkaOptions, 'createTopics' | 'metadataMaxAge'>;
}

/** How a topic is made that is not one of a stream. */
export type TopicWanted = Pick<KafkaTopic, 'partitions' | 'config'>;

/** Topics as those need them that write copies of messages. */
export type CopyTopics = Pick<Topics, 'known' | 'ensure' | 'configOfCopies'>;

interface Known {
  readonly facts: TopicFacts;
  /** When the partitions were counted, on the clock of this process. */
  countedAt: number;
}

/**
 * Knows topics, and makes those of streams where they are missing. Topics that are there, of this driver
 * or of other programs, stay as they are.
 */
export class Topics {
  private readonly remembered = new Map<string, Known>();
  private readonly making = new SharedWork<TopicFacts>();

  constructor(private readonly parts: TopicsParts) {}

  /**
   * What is known already, without a request. Partitions that were added are counted in the background,
   * each `metadataMaxAge`.
   */
  recall(topic: string): TopicFacts | undefined {
    const known = this.remembered.get(topic);
    if (!known) return undefined;
    const now = systemClock.now();
    if (now - known.countedAt > this.parts.options.metadataMaxAge) {
      known.countedAt = now;
      void this.countAgain(topic, known.facts);
    }
    return known.facts;
  }

  /** The topic may be gone or changed: it is asked for the next time. */
  forget(topic: string): void {
    this.remembered.delete(topic);
  }

  /** Undefined: the topic does not exist. */
  async known(topic: string): Promise<TopicFacts | undefined> {
    return this.recall(topic) ?? this.remember(topic, await factsOf(this.parts.admin, topic));
  }

  /**
   * The topic of a stream. Makes it where it is missing.
   * @throws KafkaTopicMissingError, KafkaTopicNameError
   */
  async of(topic: string): Promise<TopicFacts> {
    const { partitions = BROKERS_CHOICE, config } = this.parts.settings;
    const texts = Object.entries(config ?? {}).map(([name, value]) => [name, String(value)]);
    return this.ensure(topic, { partitions, config: Object.fromEntries(texts) });
  }

  /**
   * Any topic of the driver. Makes it where it is missing.
   * @throws KafkaTopicMissingError, KafkaTopicNameError
   */
  async ensure(topic: string, wanted: TopicWanted): Promise<TopicFacts> {
    return this.recall(topic) ?? this.making.run(topic, () => this.make(topic, wanted));
  }

  /** The configuration of a topic that is made for copies of messages of another topic, and keeps them. */
  async configOfCopies(original: string): Promise<Readonly<Record<string, string>>> {
    const { maxBytes } = (await this.known(original)) ?? { maxBytes: USUAL_MOST_BYTES };
    const limit = String(maxBytes + HEADROOM);
    return { ...KEPT, 'max.message.bytes': limit };
  }

  private async make(topic: string, { partitions, config }: TopicWanted): Promise<TopicFacts> {
    const { admin, settings, options } = this.parts;
    const found = await this.known(topic);
    if (found) return found;
    if (!options.createTopics) throw new KafkaTopicMissingError(topic);
    const { replicationFactor } = settings;
    try {
      await admin.createTopics([
        {
          ...{ topic, partitions, config: { ...BROKERS_CLOCK, ...config } },
          ...(replicationFactor !== undefined && { replicationFactor }),
        },
      ]);
    } catch (error) {
      throw await this.refusal(topic, error);
    }
    const made = await this.known(topic);
    if (!made) throw new KafkaTopicMissingError(topic);
    return made;
  }

  private async refusal(topic: string, error: unknown): Promise<unknown> {
    if (!isReply(error, 'INVALID_TOPIC_EXCEPTION')) return error;
    const all = await this.parts.admin.listTopics().catch(() => []);
    const others = all.filter((other) => other !== topic && alike(other) === alike(topic));
    return new KafkaTopicNameError(topic, others, error);
  }

  private remember(topic: string, facts: TopicFacts | undefined): TopicFacts | undefined {
    if (this.remembered.size >= MOST_KNOWN) this.remembered.clear();
    if (facts) this.remembered.set(topic, { facts, countedAt: systemClock.now() });
    return facts;
  }

  private async countAgain(topic: string, facts: TopicFacts): Promise<void> {
    try {
      const partitions = await partitionsOf(this.parts.admin, topic);
      if (partitions === undefined) this.forget(topic);
      else if (partitions !== facts.partitions) this.remember(topic, { ...facts, partitions });
    } catch {
      // The next count tells.
    }
  }
}

/** Names of metrics of brokers have no dots: topics with the same one collide. */
const alike = (topic: string): string => topic.replaceAll('.', '_');
