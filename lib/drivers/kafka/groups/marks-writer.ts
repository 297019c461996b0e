import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import { ConnectionError } from '../../../core/errors/connection.errors.js';
import type { CommittedOffset, KafkaClient, KafkaTransaction } from '../connection/kafka-client.js';
import { isFenced, isReply } from '../errors/kafka-reply.error.js';
import { groupOn, type Names } from '../names/names.js';
import { encodeMark, type Mark } from './mark.js';

/** After this time the broker ends the transaction of a process that died while it wrote marks. */
const TRANSACTION_TIMEOUT = 10_000;
/** Most tries: a few seconds with their pauses. */
const MOST_TRIES = 20;
/** Most tries where the outcome is not known: the next try finds out. Brokers were waited for each time. */
const MOST_UNKNOWN = 5;
/** Something else changes at this moment. `UNKNOWN`: brokers answer so where they fence a commit under way. */
const PASSING = [
  'UNKNOWN',
  'CONCURRENT_TRANSACTIONS',
  'INVALID_TXN_STATE',
  'UNKNOWN_TOPIC_OR_PARTITION',
] as const;

export interface MarksParts {
  readonly client: Pick<KafkaClient, 'producer' | 'admin'>;
  readonly names: Names;
}

/** A group on one topic. */
export interface OnTopic {
  readonly group: string;
  readonly topic: string;
}

export interface Written {
  /** The marks to write, by partition. */
  readonly marks: ReadonlyMap<number, Mark>;
  /** Commits their offsets to the Kafka group of the topic, too. @default false */
  readonly begins?: boolean;
}

/**
 * Writes the marks of groups, each time in a transaction that fences all others: the process that writes has read
 * what was written before, and nothing else is written meanwhile.
 */
export class MarksWriter {
  /** What this process writes about one group and topic, one after the other. */
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(private readonly parts: MarksParts) {}

  /** Whether this process writes marks of the group on the topic at this moment. */
  isWriting({ group, topic }: OnTopic): boolean {
    return this.turns.has(groupOn(group, topic));
  }

  /**
   * Calls `decide` in a transaction, and writes what it returns. It is called again where another process
   * writes at the same moment, and where the outcome of the call before is not known.
   * @returns what was written; undefined: nothing was
   */
  write(on: OnTopic, decide: () => Promise<Written | undefined>): Promise<Written | undefined> {
    const key = groupOn(on.group, on.topic);
    const job = () => this.untilWritten(on, decide);
    const turn = (this.turns.get(key) ?? Promise.resolve()).then(job);
    const ended: Promise<void> = turn
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => {
        if (this.turns.get(key) === ended) this.turns.delete(key);
      });
    this.turns.set(key, ended);
    return turn;
  }

  private async untilWritten(
    on: OnTopic,
    decide: () => Promise<Written | undefined>,
  ): Promise<Written | undefined> {
    const backoff = new Backoff(10, 500);
    for (let tries = 1; ; tries++) {
      try {
        return await this.tryToWrite(on, decide);
      } catch (error) {
        if (tries >= mostTries(error)) throw error;
        // Processes that fence each other do not try again at the same moment.
        await sleep(systemClock, backoff.next() * (0.5 + Math.random()));
      }
    }
  }

  private async tryToWrite(
    { group, topic }: OnTopic,
    decide: () => Promise<Written | undefined>,
  ): Promise<Written | undefined> {
    const { client, names } = this.parts;
    const producer = await client.producer({
      transactionalId: names.marksWriter(group, topic),
      transactionTimeout: TRANSACTION_TIMEOUT,
    });
    try {
      // Ends what another process writes at this moment, and waits until what was written can be read.
      const transaction = await producer.transaction();
      const written = await decide();
      if (written && written.marks.size > 0)
        await this.commit(transaction, { group, topic }, written);
      else await transaction.abort();
      return written;
    } finally {
      await producer.close();
    }
  }

  private async commit(
    transaction: KafkaTransaction,
    { group, topic }: OnTopic,
    { marks, begins }: Written,
  ): Promise<void> {
    const offsets = [...marks].map(([partition, mark]): CommittedOffset => {
      return { partition, offset: mark.offset, metadata: encodeMark(mark) };
    });
    await transaction.sendOffsets(this.parts.names.marks(group), topic, offsets);
    if (begins) {
      const beginnings = offsets.map(({ partition, offset }) => ({
        partition,
        offset,
        metadata: '',
      }));
      await transaction.sendOffsets(groupOn(group, topic), topic, beginnings);
    }
    await transaction.commit();
  }
}

/** How often to try, with this error the last time. Requests that found no broker have been repeated already. */
function mostTries(error: unknown): number {
  if (error instanceof ConnectionError) return error.outcome === 'unknown' ? MOST_UNKNOWN : 1;
  return isFenced(error) || isReply(error, ...PASSING) ? MOST_TRIES : 1;
}
