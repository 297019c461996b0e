import type { KafkaAdmin } from '../connection/kafka-client.js';
import { isDenied, isReply } from '../errors/kafka-reply.error.js';
import type { Names } from '../names/names.js';
import type { CopyTopics } from '../topics/topics.js';
import { TIERS } from './tiers.js';

export interface RetryTopicsParts {
  readonly admin: Pick<KafkaAdmin, 'offsets' | 'groupOffsets' | 'deleteRecords'>;
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
  constructor(private readonly parts: RetryTopicsParts) {}

  /** Makes the topic where it is missing. */
  async ensure(stream: string, group: string): Promise<RetryTopic> {
    const { names, topics } = this.parts;
    const topic = names.retries(group, stream);
    const found = await topics.known(topic);
    if (found) return { topic, partitions: found.partitions };
    // Waits may be longer than any retention: `trim` deletes what was settled.
    const config = await topics.configOfCopies(names.topic(stream));
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
