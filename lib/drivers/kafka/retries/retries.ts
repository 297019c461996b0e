import { systemClock, type TimerHandle } from '../../../core/clock.js';
import type { KafkaRecord } from '../connection/kafka-client.js';
import type { RawRecord } from './own-headers.js';
import { retryHeaders } from './retry-record.js';
import type { RetryTopics } from './retry-topics.js';
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

/**
 * Deletes the records of settled retries. Otherwise these would run again where brokers forget what their group
 * has committed, as they do after some days without a member.
 */
export interface RetryTrim {
  /** Retries may have been settled: their records are deleted within a minute. */
  soon(): void;
  /** Never rejects: the next call deletes what this one could not. */
  now(): Promise<void>;
}

/** Time from the settlement of a retry until its record is deleted, in milliseconds. */
const TRIM_AFTER = 60_000;

/** Messages that wait for their next run in a topic, and hold up no partition of their stream. */
export class Retries {
  /** Timers of retry topics that are to be trimmed, by group and stream. */
  private readonly trims = new Map<string, TimerHandle>();
  private isClosed = false;

  constructor(private readonly topics: Pick<RetryTopics, 'ensure' | 'trim'>) {}

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
    const partition = tierOf(dueAt - systemClock.wallTime(), partitions);
    const retried = { stream, id, publishedAt, attempts, dueAt };
    const headers = retryHeaders(record.headers, {
      ...retried,
      ...(redrive !== undefined && { redrive }),
    });
    return { topic, partition, key: record.key, value: record.value, headers };
  }

  /** What a consumer of the retry topic calls when it has settled retries. */
  trimOf(stream: string, group: string): RetryTrim {
    return {
      soon: () => this.trimSoon(stream, group),
      now: () => this.trimNow(stream, group),
    };
  }

  /** Deletes nothing any more. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const timer of this.trims.values()) systemClock.clearTimeout(timer);
    this.trims.clear();
  }

  private trimSoon(stream: string, group: string): void {
    const key = keyOf(stream, group);
    if (this.isClosed || this.trims.has(key)) return;
    const timer = systemClock.setTimeout(() => void this.trimNow(stream, group), TRIM_AFTER);
    this.trims.set(key, timer);
  }

  private async trimNow(stream: string, group: string): Promise<void> {
    const key = keyOf(stream, group);
    systemClock.clearTimeout(this.trims.get(key));
    this.trims.delete(key);
    if (!this.isClosed) await this.topics.trim(stream, group).catch(() => undefined);
  }
}

const keyOf = (stream: string, group: string): string => JSON.stringify([stream, group]);
