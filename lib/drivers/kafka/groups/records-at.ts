import { systemClock } from '../../../core/clock.js';
import type { KafkaAdmin, ReadRecord } from '../connection/kafka-client.js';
import { messageId } from '../ids/message-ids.js';
import { readRetry } from '../retries/retry-record.js';

/** What was read is remembered for this time, in milliseconds: a topic may be deleted and made again. */
const REMEMBERED_FOR = 60_000;
/** Most records that are remembered. */
const MOST = 10_000;
/** Brokers return a whole batch of records, however large. */
const LEAST_BYTES = 1;

/** The record at an offset, or the next one where the log has none there. */
export interface RecordAt {
  readonly offset: number;
  /** That of the message. A retry has the id of the message in its stream. */
  readonly id: string;
  /** When the message was published, in milliseconds since the epoch. */
  readonly publishedAt: number;
}

interface Remembered {
  readonly found: RecordAt | 'none';
  /** The end of the partition when that was read. */
  readonly high: number;
  readonly until: number;
}

interface Place {
  readonly partition: number;
  readonly offset: number;
  /** The end of the partition. */
  readonly high: number;
}

/** Tells which messages wait, and when they were published. Reads each once a minute at most: one request. */
export class RecordsAt {
  private readonly remembered = new Map<string, Remembered>();

  constructor(private readonly admin: Pick<KafkaAdmin, 'read'>) {}

  /**
   * Returns the record at an offset or the next one. `none`: from there up to `high` are only records that no
   * consumer gets, such as those that end transactions. Undefined: the next record is one of a
   * transaction that is still open.
   */
  async at(topic: string, place: Place): Promise<RecordAt | 'none' | undefined> {
    const { partition, offset, high } = place;
    if (offset >= high) return 'none';
    const key = `${topic}/${partition}/${offset}`;
    const before = this.remembered.get(key);
    if (before && isStillSo(before, high)) return before.found;
    const found = await this.read(topic, place);
    this.remembered.delete(key);
    if (!found) return undefined;
    this.remembered.set(key, { found, high, until: systemClock.now() + REMEMBERED_FOR });
    this.forgetOldest();
    return found;
  }

  private async read(
    topic: string,
    { partition, offset, high }: Place,
  ): Promise<RecordAt | 'none' | undefined> {
    for (let from = offset; from < high;) {
      const { records, next } = await this.admin.read(topic, partition, from, LEAST_BYTES);
      const first = records.find((record) => record.offset >= offset);
      if (first) return recordAt(partition, first);
      if (next <= from) return undefined;
      from = next;
    }
    return 'none';
  }

  private forgetOldest(): void {
    if (this.remembered.size <= MOST) return;
    const [oldest] = this.remembered.keys();
    if (oldest !== undefined) this.remembered.delete(oldest);
  }
}

function isStillSo({ found, high: before, until }: Remembered, high: number): boolean {
  if (until <= systemClock.now()) return false;
  return found === 'none' ? before === high : before <= high;
}

function recordAt(partition: number, record: ReadRecord): RecordAt {
  const { offset, timestamp } = record;
  const retry = readRetry(record);
  return retry
    ? { offset, id: retry.id, publishedAt: retry.publishedAt }
    : { offset, id: messageId(partition, offset), publishedAt: timestamp };
}
