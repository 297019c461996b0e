import { systemClock } from '../../../core/clock.js';
import { ConnectionError } from '../../../core/errors/connection.errors.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { OutgoingEntry } from '../../../core/message.js';
import { PublishQueue } from '../../publish-queue/publish-queue.js';
import type { KafkaProducer, KafkaRecord } from '../connection/kafka-client.js';
import type { CompletedKafkaOptions } from '../connection/kafka.options.js';
import { sizeOfBatch } from '../connection/record-size.js';
import { hasNoLeader, KafkaConnectionError } from '../errors/kafka-connection.errors.js';
import { isReply } from '../errors/kafka-reply.error.js';
import { messageId } from '../ids/message-ids.js';
import type { Names } from '../names/names.js';
import type { TopicFacts } from '../topics/topic-facts.js';
import type { Topics } from '../topics/topics.js';
import { entryRecord, tooLarge } from './entry-record.js';
import { NextPartitions } from './partition-of.js';

export interface PublishingParts {
  /** Opens the producer of the driver. Called once. */
  readonly producer: () => Promise<KafkaProducer>;
  readonly topics: Pick<Topics, 'of' | 'recall' | 'forget'>;
  readonly names: Pick<Names, 'topic'>;
  readonly options: Pick<CompletedKafkaOptions, 'requestTimeout' | 'compression'>;
}

type Result = string | Error;

/** A call that waited long has this time at least, in milliseconds, as far as `requestTimeout` allows. */
const LEAST_TIME = 500;

/**
 * Publishes entries by one idempotent producer. Calls of one turn, and those that come while their
 * streams are written to, go to the brokers together.
 */
export class Publishing {
  private readonly queue = new PublishQueue((entries, since) => this.publishAll(entries, since));
  private readonly partitions = new NextPartitions();
  private producer: Promise<KafkaProducer> | undefined;
  /** The last use of the producer: it takes one call at a time. */
  private last: Promise<unknown> = Promise.resolve();
  private isClosed = false;

  constructor(private readonly parts: PublishingParts) {}

  /** Returns one id, or one error, for each entry. See `MessageSource.publish`. */
  publish(entries: readonly OutgoingEntry[]): Promise<Result[]> {
    if (entries.length === 0) return Promise.resolve([]);
    if (this.isClosed)
      return Promise.resolve(entries.map(() => new ClosedError('The Kafka driver')));
    return this.queue.publish(entries);
  }

  /**
   * The records of entries that another producer sends. Makes topics that are missing. An error is why an
   * entry is refused.
   * @param given `key`: of the message that the entries follow. Entries without a key and a partition take it
   */
  outgoingRecords(
    entries: readonly OutgoingEntry[],
    { key }: { readonly key?: string | undefined } = {},
  ): Promise<(KafkaRecord | Error)[]> {
    if (key === undefined) return this.recordsOf(entries);
    return this.recordsOf(
      entries.map((entry) =>
        entry.key === undefined && entry.partition === undefined ? { ...entry, key } : entry,
      ),
    );
  }

  /** Answers calls that have come, and takes no more. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.queue.idle();
    await (await this.producer?.catch(() => undefined))?.close();
  }

  private async publishAll(entries: readonly OutgoingEntry[], since: number): Promise<Result[]> {
    const { requestTimeout } = this.parts.options;
    const least = systemClock.now() + Math.min(requestTimeout, LEAST_TIME);
    const until = Math.max(since + requestTimeout, least);
    const results = await this.sendAll(entries, until);
    const missed = [...entries.keys()].filter((at) => maySendAgain(entries[at]!, results[at]!));
    if (missed.length === 0) return results;
    // A topic that was deleted is made again, once.
    for (const at of missed) {
      if (isTopicGone(results[at])) this.parts.topics.forget(this.topicOf(entries[at]!));
    }
    const again = await this.sendAll(
      missed.map((at) => entries[at]!),
      until,
    );
    for (const [index, at] of missed.entries()) results[at] = again[index]!;
    return results;
  }

  private topicOf({ stream }: OutgoingEntry): string {
    return this.parts.names.topic(stream);
  }

  private async sendAll(entries: readonly OutgoingEntry[], until: number): Promise<Result[]> {
    const records = await this.recordsOf(entries);
    const good = records.filter((record): record is KafkaRecord => !(record instanceof Error));
    const outcomes = good.length > 0 ? await this.send(good, until) : [];
    let next = 0;
    return records.map((record, index) => {
      if (record instanceof Error) return record;
      const outcome = outcomes[next++]!;
      if (typeof outcome === 'number') return messageId(record.partition, outcome);
      return isReply(outcome, 'MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE')
        ? this.tooLarge(entries[index]!, record)
        : outcome;
    });
  }

  private send(records: readonly KafkaRecord[], until: number): Promise<(number | Error)[]> {
    const sending = this.last.then(async () => {
      this.producer ??= this.parts.producer();
      const producer = await this.producer;
      return producer.send(records, Math.max(until - systemClock.now(), 1));
    });
    this.last = sending.catch(() => (this.producer = undefined));
    return sending;
  }

  private async recordsOf(entries: readonly OutgoingEntry[]): Promise<(KafkaRecord | Error)[]> {
    const { names, options } = this.parts;
    const next = this.partitions.next();
    const isBounded = options.compression === 'none';
    const topics = new Map<string, string>();
    for (const { stream } of entries) {
      if (!topics.has(stream)) topics.set(stream, names.topic(stream));
    }
    const facts = await this.factsOf([...topics.values()]);
    return entries.map((entry) => {
      const topic = topics.get(entry.stream)!;
      const own = facts.get(topic)!;
      return own instanceof Error
        ? own
        : entryRecord(entry, { topic, facts: own, next, isBounded });
    });
  }

  private async factsOf(names: readonly string[]): Promise<Map<string, TopicFacts | Error>> {
    const { topics } = this.parts;
    const found = new Map<string, TopicFacts | Error>();
    const missing: Promise<unknown>[] = [];
    for (const name of names) {
      const known = topics.recall(name);
      if (known) found.set(name, known);
      else {
        const made = topics.of(name).catch((error: unknown) => notSent(error as Error));
        missing.push(made.then((facts) => found.set(name, facts)));
      }
    }
    if (missing.length > 0) await Promise.all(missing);
    return found;
  }

  /** The topic takes less than was known. */
  private tooLarge(entry: OutgoingEntry, record: KafkaRecord): Error {
    const { topic } = record;
    const limit = this.parts.topics.recall(topic)?.maxBytes ?? 0;
    this.parts.topics.forget(topic);
    return tooLarge(entry, sizeOfBatch(record), limit);
  }
}

/** Whether another try may succeed: with a topic that is made again, or in another partition. */
const maySendAgain = (entry: OutgoingEntry, result: Result): boolean =>
  isTopicGone(result) ||
  (hasNoLeader(result) && entry.key === undefined && entry.partition === undefined);

const isTopicGone = (result: Result | undefined): boolean =>
  isReply(result, 'UNKNOWN_TOPIC_OR_PARTITION');

/** Nothing was sent, though the fate of a request about the topic may be unknown. */
const notSent = (error: Error): Error =>
  error instanceof ConnectionError && error.outcome === 'unknown'
    ? new KafkaConnectionError('not-sent', 'publishing', error.cause)
    : error;
