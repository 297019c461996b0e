import type { KafkaAdmin } from '../connection/kafka-client.js';
import { isDenied, isReply } from '../errors/kafka-reply.error.js';
import type { Names } from '../names/names.js';
import { SharedWork } from './shared-work.js';
import { TIERS } from './tiers.js';

/** Most bytes of a record where the broker is not configured otherwise. */
export const USUAL_LIMIT = 1_048_588;
/** Bytes that copies have for headers of ours, beside those of the largest message. */
export const HEADROOM = 64 * 1024;

/** What is known of a topic. */
interface TopicFacts {
  readonly partitions: number;
  /** Most bytes of a record. */
  readonly maxBytes: number;
}

/** Looks up topics, and makes those that are missing. */
export interface CopyTopics {
  /** Undefined: the topic does not exist. */
  known(topic: string): Promise<TopicFacts | undefined>;
  ensure(
    topic: string,
    options: { readonly partitions: number; readonly config: Readonly<Record<string, string>> },
  ): Promise<TopicFacts>;
}

export interface RetryTopicsParts {
  readonly admin: KafkaAdmin;
  readonly names: Names;
  readonly topics: CopyTopics;
}

/** The topic of a retry, and how many partitions it has. */
export interface RetryTopic {
  readonly topic: string;
  readonly partitions: number;
}

/** The topics of retries: one for each group and stream, made when the first message moves there. */
export class RetryTopics {
  /** Topics that are being made, by their names. */
  private readonly making = new SharedWork<RetryTopic>();

  constructor(private readonly parts: RetryTopicsParts) {}

  /** Makes the topic where it is missing. */
  async ensure(stream: string, group: string): Promise<RetryTopic> {
    const { names, topics } = this.parts;
    const topic = names.retries(group, stream);
    const found = await topics.known(topic);
    if (found) return { topic, partitions: found.partitions };
    return this.making.run(topic, () => this.make(topic, stream));
  }

  private async make(topic: string, stream: string): Promise<RetryTopic> {
    const { names, topics } = this.parts;
    const limit = ((await topics.known(names.topic(stream)))?.maxBytes ?? USUAL_LIMIT) + HEADROOM;
    // Waits may be longer than any retention: `trim` deletes what was settled.
    const config = {
      ...{ 'retention.ms': '-1', 'retention.bytes': '-1' },
      'max.message.bytes': String(limit),
    };
    const { partitions } = await topics.ensure(topic, { partitions: TIERS, config });
    return { topic, partitions };
  }

  /** Deletes what the group has settled. */
  async trim(stream: string, group: string): Promise<void> {
    const { admin, names } = this.parts;
    const topic = names.retries(group, stream);
    try {
      const [logs, committed] = await Promise.all([
        admin.offsets(topic, 'led'),
        admin.groupOffsets(names.retriesGroup(group, stream), topic),
      ]);
      const below = committed.flatMap(({ partition, offset }) => {
        const log = logs.find((one) => one.partition === partition);
        const isBehind = log && offset !== undefined && offset > log.low && offset <= log.high;
        return isBehind ? [{ partition, offset }] : [];
      });
      if (below.length > 0) await admin.deleteRecords(topic, below);
    } catch (error) {
      if (!isDenied(error) && !isReply(error, 'UNKNOWN_TOPIC_OR_PARTITION')) throw error;
    }
  }
}
