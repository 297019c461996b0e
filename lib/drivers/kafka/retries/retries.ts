import { systemClock } from '../../../core/clock.js';
import type { KafkaRecord } from '../connection/kafka-client.js';
import type { RawRecord } from './own-headers.js';
import { retryHeaders } from './retry-record.js';
import { RetryTopics, type RetryTopicsParts } from './retry-topics.js';
import { tierOf } from './tiers.js';

/** A message that is to wait in a retry topic, as its lease tells of it. */
export interface Retrying {
  readonly stream: string;
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly publishedAt: number;
  readonly redrive?: number | undefined;
  /** The record as it was in its stream. */
  readonly record: RawRecord;
}

/** How often what was settled is deleted from a retry topic to which messages move, in milliseconds. */
const TRIM_EVERY = 60_000;

/** Messages that wait for their next run in a topic, and hold up no partition of their stream. */
export class Retries {
  readonly topics: RetryTopics;
  /** When a topic was trimmed last, on the clock of this process. */
  private readonly trimmedAt = new Map<string, number>();

  constructor(parts: RetryTopicsParts) {
    this.topics = new RetryTopics(parts);
  }

  /**
   * The copy of a message in the retry topic of its group. The topic is made where it is missing.
   * @param attempts runs that were charged so far
   * @param dueAt when it is to run again, in milliseconds since the epoch
   */
  async recordOf(
    message: Retrying,
    group: string,
    { attempts, dueAt }: { readonly attempts: number; readonly dueAt: number },
  ): Promise<KafkaRecord> {
    const { stream, id, publishedAt, redrive, record } = message;
    const { topic, partitions } = await this.topics.ensure(stream, group);
    this.trim(topic, stream, group);
    const partition = tierOf(dueAt - systemClock.wallTime(), partitions);
    const retried = { stream, id, publishedAt, attempts, dueAt };
    const headers = retryHeaders(record.headers, {
      ...retried,
      ...(redrive !== undefined && { redrive }),
    });
    return { topic, partition, key: record.key, value: record.value, headers };
  }

  /** In the background. What fails is tried again a minute later. */
  private trim(topic: string, stream: string, group: string): void {
    const now = systemClock.now();
    if (now - (this.trimmedAt.get(topic) ?? -Infinity) < TRIM_EVERY) return;
    this.trimmedAt.set(topic, now);
    this.topics.trim(stream, group).catch(() => undefined);
  }
}
