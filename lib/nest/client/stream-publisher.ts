import { PublishBatchError } from '../../core/errors/publishing.errors.js';
import type { PublishOptions } from '../../options/publish-options.js';
import type { SqlTransaction } from '../../ports/sql-transaction.js';
import type { Producer } from '../../publishing/producer.js';
import { publicationOf, requireTransaction } from './publications.js';

/** The given map, or any events where none is given, as in `app.get(StreamPublisher)`. */
type Known<Events extends object> = [keyof Events] extends [never]
  ? Record<string, unknown>
  : Events;

/** A message of a batch. Its payload has the type that the event map gives for its event type. */
export type BatchItem<Events extends object = Record<string, unknown>> = {
  [E in keyof Known<Events> & string]: {
    readonly eventType: E;
    readonly payload: Known<Events>[E];
  } & PublishOptions;
}[keyof Known<Events> & string];

/**
 * Publishes messages. Injectable. A map from event types to payloads gives the types.
 *
 * ```ts
 * constructor(private readonly publisher: StreamPublisher<{ 'order.process': Order }>) {}
 * await this.publisher.publish('order.process', order);
 * ```
 */
export class StreamPublisher<Events extends object = Record<string, unknown>> {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'StreamPublisher';

  /** @internal */
  constructor(private readonly producer: Producer) {}

  /**
   * Publishes a message. @returns the id of the message in its stream, once the server has stored
   * it; for a delayed message the id under which it waits, which begins with `delayed-`
   * @throws ConnectionError, ServerOutOfMemoryError, PayloadTooLargeError, InvalidMessageError,
   * BackpressureError, UnsupportedFeatureError, ClosedError
   * @throws NotReplicatedError with `waitReplicas`: the message is stored, but too few replicas
   * have confirmed it
   */
  async publish<E extends keyof Known<Events> & string>(
    eventType: E,
    payload: Known<Events>[E],
    options?: PublishOptions,
  ): Promise<string> {
    return this.producer.publish(publicationOf(eventType, payload, options));
  }

  /**
   * Publishes many messages at once, in order within each stream. Sends nothing while one of them
   * cannot be encoded, or has to wait for its `maxLag`: a batch waits as a whole. It is not a
   * transaction: the server may accept some and refuse others.
   *
   * @returns the ids, in the order of the items
   * @throws PublishBatchError with the id or error of each item, where one or more failed; an item
   * with a NotReplicatedError is stored
   * @throws BackpressureError, and nothing was sent
   */
  async publishBatch(items: readonly BatchItem<Events>[]): Promise<string[]> {
    const results = await this.producer.publishBatch(items);
    const failed = results.some((result) => result instanceof Error);
    if (failed) throw new PublishBatchError(results);
    return results as string[];
  }

  /**
   * Publishes within a transaction that the application has opened in the database of the message
   * source. The messages exist once the application commits; after a rollback they never existed.
   * Handlers get them after the commit, at the next poll of their process.
   *
   * ```ts
   * await client.query('begin');
   * await client.query('insert into orders …');
   * await this.publisher.within(client).publish('order.placed', order);
   * await client.query('commit');
   * ```
   * @param transaction a client of `pg`, or what `typeOrmTransaction` or `drizzleTransaction` make
   * @throws InvalidMessageError for what is no transaction
   */
  within(transaction: SqlTransaction): TransactionPublisher<Events> {
    return new TransactionPublisher<Events>(this.producer, transaction);
  }
}

/**
 * Publishes messages within a transaction of the application: `StreamPublisher.within` makes it. Use
 * it until the transaction ends.
 */
export class TransactionPublisher<Events extends object = Record<string, unknown>> {
  /** @internal */
  constructor(
    private readonly producer: Producer,
    private readonly transaction: SqlTransaction,
  ) {
    requireTransaction(transaction);
  }

  /**
   * Publishes a message. Where this rejects, roll the transaction back.
   * @returns the id of the message in its stream; for a delayed message the id under which it waits,
   * which begins with `delayed-`
   * @throws UnsupportedFeatureError where the message source has no such transactions, for example on
   * Redis: use the outbox
   * @throws PayloadTooLargeError, InvalidMessageError, BackpressureError, ClosedError, and what the
   * database answers
   */
  async publish<E extends keyof Known<Events> & string>(
    eventType: E,
    payload: Known<Events>[E],
    options?: PublishOptions,
  ): Promise<string> {
    const publication = publicationOf(eventType, payload, options);
    const [id] = await this.producer.publishWithin(this.transaction, [publication]);
    return id!;
  }

  /**
   * Publishes many messages, in order within each stream. All are published, or none.
   * @returns the ids, in the order of the items
   * @throws as {@link publish}
   */
  publishBatch(items: readonly BatchItem<Events>[]): Promise<string[]> {
    return this.producer.publishWithin(this.transaction, items);
  }
}
