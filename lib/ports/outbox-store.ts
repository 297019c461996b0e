import type { OutgoingEntry } from '../core/message.js';
import type { SqlTransaction } from './sql-transaction.js';

/** A message to be written into the outbox. */
export interface OutboxMessage {
  /** Messages with one key are published in order. */
  readonly key: string;
  readonly entry: OutgoingEntry;
}

/** A message that waits in the outbox. */
export interface OutboxRow extends OutboxMessage {
  /** Rises in the order of writing. */
  readonly id: string;
  /** A name that no other row of any outbox has, to publish the message once. */
  readonly name: string;
  /** How often the source has refused the message. */
  readonly refusals: number;
}

/** A part of the outbox that one relay has at a time. A key is in one partition for ever. */
export interface HeldPartition {
  readonly partition: number;
  /** Rises with each change of the relay: the fence. */
  readonly token: string;
  /** Whether messages wait in the partition. */
  readonly waiting: boolean;
}

/** The first messages of a partition, in order. */
export interface OutboxBatch {
  readonly rows: readonly OutboxRow[];
  /**
   * Time since rows of this batch may have been published by a relay that could not tell, in
   * milliseconds. 0: no row was.
   */
  readonly doubtfulFor: number;
  /** Time until a message that was refused is due again, in milliseconds. Undefined: none waits. */
  readonly retryIn: number | undefined;
}

/** What a relay is done with, when it asks for the next messages. */
export interface OutboxDone {
  /** Ids of the rows that are in their streams now. */
  readonly published: readonly string[];
  /** False: whether some rows that were handed out are in their streams is not known. */
  readonly certain: boolean;
}

/** A message that the source has refused. */
export interface OutboxRefusal {
  readonly id: string;
  readonly error: string;
  /** Time until the next try, in milliseconds. Undefined: the message becomes a dead row. */
  readonly retryIn: number | undefined;
}

/** What a relay needs of the outbox. */
export interface OutboxPartitions {
  /**
   * Keeps the partitions that the relay has for `lease` milliseconds from now, and takes those that
   * no relay has.
   * @returns all partitions that the relay has now
   */
  hold(relay: string, lease: number): Promise<HeldPartition[]>;

  /**
   * Deletes what was published and returns the first messages that wait, at most `limit`, and fewer
   * where they are large. Keeps the partition for `lease` milliseconds. In order of their ids; a key
   * with a refused message that waits for its next try is left out.
   * @returns `lost` where another relay has the partition: then nothing was deleted
   */
  next(
    held: HeldPartition,
    relay: string,
    done: OutboxDone,
    portion: { readonly limit: number; readonly lease: number },
  ): Promise<OutboxBatch | 'lost'>;

  /** Notes refusals, or moves messages to the dead rows. `lost`: as for `next`. */
  refuse(
    held: HeldPartition,
    relay: string,
    refusals: readonly OutboxRefusal[],
  ): Promise<'noted' | 'lost'>;

  /** Gives all partitions of the relay back. */
  release(relay: string): Promise<void>;
}

/** How far the outbox is behind. */
export interface OutboxLag {
  /** Number of messages that wait. */
  readonly waiting: number;
  /** Since the oldest of them was written, in milliseconds. 0 where none waits. */
  readonly oldestAge: number;
  /** Number of dead rows: messages that the source has refused too often. */
  readonly dead: number;
  /** Number of relays that have partitions. */
  readonly relays: number;
}

/** A message that the source has refused too often. */
export interface DeadRow {
  /** Names the row, for `redrive` and `purge`. */
  readonly id: string;
  /** Messages with one key are published in order. */
  readonly key: string;
  /** The message, with its stream. */
  readonly entry: OutgoingEntry;
  /** In milliseconds since the epoch, on the server's clock. */
  readonly writtenAt: number;
  /** In milliseconds since the epoch, on the server's clock. */
  readonly diedAt: number;
  /** How often the message source has refused it. */
  readonly refusals: number;
  /** The message of the last error. */
  readonly error: string;
}

/** A page of dead rows, oldest first. */
export interface DeadRowPage {
  /** The rows. */
  readonly items: readonly DeadRow[];
  /** Pass as `after` to get the next page. Undefined at the end. */
  readonly next?: string;
}

/**
 * A table in the database of the application, where messages wait that a transaction has written. A
 * relay publishes them.
 *
 * Not its job: publishing, backoff, deciding when a message is refused too often.
 */
export interface OutboxStore extends OutboxPartitions {
  /**
   * Writes messages within a transaction of the application, in the order given.
   * @returns the id of each
   */
  put(transaction: SqlTransaction, messages: readonly OutboxMessage[]): Promise<string[]>;
  lag(): Promise<OutboxLag>;
  deadRows(page: {
    readonly limit: number;
    readonly after?: string | undefined;
  }): Promise<DeadRowPage>;
  /** Puts dead rows at the end of the outbox, oldest first. @returns how many */
  redrive(ids: readonly string[]): Promise<number>;
  /** Deletes dead rows for good. @returns how many */
  purge(ids: readonly string[]): Promise<number>;
  /** Frees the connections. Idempotent. */
  close(): Promise<void>;
}
