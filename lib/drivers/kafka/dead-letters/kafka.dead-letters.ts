import { systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import type { Fields } from '../../../core/message.js';
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterQueue,
} from '../../../ports/dead-letters.js';
import type { KafkaClient, KafkaRecord, ReadRecord } from '../connection/kafka-client.js';
import { retryHeaders } from '../retries/retry-record.js';
import type { RawRecord } from '../retries/own-headers.js';
import type { RetryTopics } from '../retries/retry-topics.js';
import { tierOf } from '../retries/tiers.js';
import { decodeRecord } from '../wire/decode-record.js';
import { encodeRecord } from '../wire/encode-record.js';
import { letterId, offsetOf, offsetsOf, pageStart } from './letter-ids.js';
import { LetterLog } from './letter-log.js';
import { letterRecord, readLetter, type StoredLetter } from './letter-record.js';
import { LetterRemoval, type Removal } from './letter-removal.js';
import { LetterTopics, type LetterTopicsParts } from './letter-topics.js';
import { RemovedLetters } from './removed-letters.js';
import { UnreadableLetters } from './unreadable-letters.js';

export interface DeadLettersParts extends LetterTopicsParts {
  readonly client: Pick<KafkaClient, 'producer'>;
  readonly retryTopics: Pick<RetryTopics, 'ensure'>;
  readonly events: EventBus;
  /** Writes one record. Returns its offset. */
  readonly send: (record: KafkaRecord) => Promise<number>;
}

/** A message that becomes a dead letter, as its lease tells of it. */
export interface Dying {
  /** See `Lease.redrive`. */
  readonly redrive?: number | undefined;
  /** The record as it was in its stream. */
  readonly record: RawRecord;
}

/**
 * Keeps dead letters in a topic beside that of their stream: each is the record as it was, with headers
 * that say why it is there. The offset of a record is the id of its dead letter.
 */
export class KafkaDeadLetters implements DeadLetterQueue {
  private readonly topics: LetterTopics;
  private readonly removal: LetterRemoval;
  private readonly unreadable: UnreadableLetters;
  /** The removal that was asked for last, by stream: in one process they come one after the other. */
  private readonly removals = new Map<string, Promise<unknown>>();

  constructor(private readonly parts: DeadLettersParts) {
    this.topics = new LetterTopics(parts);
    this.removal = new LetterRemoval(parts.client, parts.admin);
    this.unreadable = new UnreadableLetters(parts.events);
  }

  /**
   * The record that is to be written for a message of this driver. The topic is made where it is
   * missing.
   * @throws DeadLetterTooLargeError
   */
  async recordOf(record: DeadLetterRecord, message: Dying): Promise<KafkaRecord> {
    const { redrive } = message;
    return letterRecord(
      message.record,
      { record, redrive },
      await this.topics.place(record.stream),
    );
  }

  async put(record: DeadLetterRecord, fields: Fields): Promise<string> {
    const { topic, maxBytes } = await this.topics.place(record.stream);
    const original = { key: null, ...encodeRecord(fields, true) };
    return letterId(await this.parts.send(letterRecord(original, { record }, { topic, maxBytes })));
  }

  async list(stream: string, limit: number, after?: string): Promise<DeadLetterPage> {
    const start = pageStart(after);
    const items: DeadLetter[] = [];
    for await (const letter of this.letters(stream, start)) {
      if (items.length === limit) return { items, next: items.at(-1)!.deadLetterId };
      items.push(letter);
    }
    return { items };
  }

  async get(stream: string, deadLetterId: string): Promise<DeadLetter | undefined> {
    const offset = offsetOf(deadLetterId);
    if (offset === undefined) return undefined;
    const found = await this.openWithRemoved(stream);
    if (!found || found.removed.has(offset)) return undefined;
    for await (const [record] of found.log.find([offset])) {
      const letter = record && this.read(stream, record);
      if (letter) return letterOf(letter);
    }
    return undefined;
  }

  /** A step that fails half way leaves nothing lost, and the same call goes on where it ended. */
  async redrive(stream: string, { ids, group }: DeadLetterFilter): Promise<number> {
    return this.remove(stream, {
      offsets: ids && offsetsOf(ids),
      isMeant: (record) => isOf(this.read(stream, record), group),
      copies: (records) => this.copies(records.flatMap((record) => readLetter(record) ?? [])),
    });
  }

  /** Without a group, records that are no dead letters are deleted, too. */
  async purge(stream: string, { ids, group }: DeadLetterFilter): Promise<number> {
    return this.remove(stream, {
      offsets: ids && offsetsOf(ids),
      isMeant: (record) => group === undefined || isOf(readLetter(record), group),
    });
  }

  private async remove(
    stream: string,
    what: Pick<Removal, 'offsets' | 'isMeant' | 'copies'>,
  ): Promise<number> {
    if (what.offsets?.length === 0 || !(await this.open(stream))) return 0;
    const { names } = this.parts;
    const before = this.removals.get(stream);
    const removal = (async () => {
      await before?.catch(() => undefined);
      return this.removal.run({
        ...what,
        topic: names.deadLetters(stream),
        removed: await this.topics.removed(stream),
        transactionalId: names.deadLettersWriter(stream),
      });
    })();
    this.removals.set(stream, removal);
    try {
      return await removal;
    } finally {
      if (this.removals.get(stream) === removal) this.removals.delete(stream);
    }
  }

  /** The copies that go to the groups that gave the letters up. */
  private async copies(letters: readonly StoredLetter[]): Promise<KafkaRecord[]> {
    const now = systemClock.wallTime();
    const records: KafkaRecord[] = [];
    for (const { record, redrive, original } of letters) {
      const { topic } = await this.parts.retryTopics.ensure(record.stream, record.group);
      const headers = retryHeaders(original.headers, {
        ...{ stream: record.stream, id: record.id, attempts: 0, dueAt: now },
        publishedAt: Date.parse(record.publishedAt),
        // It rises even where the clock of this machine is behind.
        redrive: Math.max(now, (redrive ?? 0) + 1),
      });
      records.push({ topic, partition: tierOf(0), ...original, headers });
    }
    return records;
  }

  private async *letters(stream: string, from: number): AsyncGenerator<DeadLetter> {
    const found = await this.openWithRemoved(stream);
    if (!found) return;
    const { log, removed } = found;
    for await (const { records } of log.portions(from, (offset) => removed.nextLeft(offset))) {
      for (const record of records) {
        const letter = removed.has(record.offset) ? undefined : this.read(stream, record);
        if (letter) yield letterOf(letter);
      }
    }
  }

  private open(stream: string): Promise<LetterLog | undefined> {
    return LetterLog.open(this.parts.admin, this.parts.names.deadLetters(stream));
  }

  private async openWithRemoved(
    stream: string,
  ): Promise<{ log: LetterLog; removed: RemovedLetters } | undefined> {
    const topic = this.parts.names.removedDeadLetters(stream);
    const removed = await RemovedLetters.read(this.parts.admin, topic);
    // Opened last: it has all letters that are noted as removed, unless the topic was made anew.
    const log = await this.open(stream);
    if (!log) return undefined;
    removed.forgetOthers(topic, log.high);
    return { log, removed };
  }

  /** Undefined, and told of: the record is no dead letter that this version of the library can read. */
  private read(stream: string, record: ReadRecord): StoredLetter | undefined {
    const letter = readLetter(record);
    if (!letter) this.unreadable.tell(this.parts.names.deadLetters(stream), record.offset);
    return letter;
  }
}

const isOf = (letter: StoredLetter | undefined, group: string | undefined): boolean =>
  letter !== undefined && (group === undefined || letter.record.group === group);

const letterOf = ({ record, offset, original }: StoredLetter): DeadLetter => ({
  ...record,
  deadLetterId: letterId(offset),
  fields: decodeRecord(record.stream, original),
});
