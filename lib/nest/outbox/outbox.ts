import { InvalidMessageError } from '../../core/errors/publishing.errors.js';
import { shown } from '../../core/option-schema/wording.js';
import type { OutboxPublishOptions } from '../../options/outbox-publish-options.js';
import type { Relay } from '../../outbox/relay.js';
import { outboxMessageOf, type OutboxPublication } from '../../outbox/outbox-message.js';
import type { DeadRowPage, OutboxLag, OutboxStore } from '../../ports/outbox-store.js';
import type { SqlTransaction } from '../../ports/sql-transaction.js';
import type { Producer } from '../../publishing/producer.js';
import { requireTransaction } from '../client/publications.js';

/** The given map, or any events where none is given, as in `app.get(Outbox)`. */
type Known<Events extends object> = [keyof Events] extends [never]
  ? Record<string, unknown>
  : Events;

/** A message of a batch. Its payload has the type that the event map gives for its event type. */
export type OutboxItem<Events extends object = Record<string, unknown>> = {
  [E in keyof Known<Events> & string]: {
    readonly eventType: E;
    readonly payload: Known<Events>[E];
  } & OutboxPublishOptions;
}[keyof Known<Events> & string];

/**
 * Writes messages into the outbox: a table in the database of the application. Injectable. A relay
 * publishes them after the transaction has committed, each once and in order per key.
 *
 * ```ts
 * await this.dataSource.transaction(async (manager) => {
 *   await manager.save(order);
 *   await this.outbox.within(typeOrmTransaction(manager)).publish('order.placed', order);
 * });
 * ```
 */
export class Outbox<Events extends object = Record<string, unknown>> {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'Outbox';

  /** @internal */
  constructor(
    private readonly store: OutboxStore,
    private readonly producer: Producer,
    private readonly relay: Relay | undefined,
  ) {}

  /**
   * Publishes with a transaction of the application: the messages are published if it commits, and
   * never where it rolls back.
   * @param transaction a client of `pg`, or what `typeOrmTransaction` or `drizzleTransaction` make
   * @throws InvalidMessageError for what is no transaction
   */
  within(transaction: SqlTransaction): OutboxPublisher<Events> {
    requireTransaction(transaction);
    return new OutboxPublisher<Events>(this.store, this.producer, transaction, this.relay);
  }

  /**
   * Has the relay of this process look at once. Not needed: it looks soon after each message that this
   * process has written, and each `relayInterval`.
   */
  wake(): void {
    this.relay?.wake();
  }

  /** Reads how far the outbox is behind. @throws ConnectionError, PermissionDeniedError */
  lag(): Promise<OutboxLag> {
    return this.store.lag();
  }

  /**
   * Lists messages that the message source has refused too often, oldest first.
   * @param page `limit`: most messages, 100 by default. `after`: `next` of the page before
   */
  async deadRows({
    limit = 100,
    after,
  }: { readonly limit?: number; readonly after?: string } = {}): Promise<DeadRowPage> {
    return this.store.deadRows({ limit, after });
  }

  /** Puts dead rows at the end of the outbox, oldest first, to be tried again. @returns how many */
  async redrive(ids: readonly string[]): Promise<number> {
    const count = await this.store.redrive(ids);
    this.relay?.wake();
    return count;
  }

  /** Deletes dead rows for good. @returns how many */
  purge(ids: readonly string[]): Promise<number> {
    return this.store.purge(ids);
  }
}

/** Writes messages into the outbox, within one transaction. `Outbox.within` makes it. */
export class OutboxPublisher<Events extends object = Record<string, unknown>> {
  /** @internal */
  constructor(
    private readonly store: OutboxStore,
    private readonly producer: Producer,
    private readonly transaction: SqlTransaction,
    private readonly relay: Relay | undefined,
  ) {}

  /**
   * Writes a message. Where this rejects, roll the transaction back.
   * @returns the id of the row. The message gets its id in the stream when it is published
   * @throws PayloadTooLargeError, InvalidMessageError, UnsupportedFeatureError, ClosedError, and what
   * the database answers
   */
  async publish<E extends keyof Known<Events> & string>(
    eventType: E,
    payload: Known<Events>[E],
    options: OutboxPublishOptions = {},
  ): Promise<string> {
    const [id] = await this.put([{ ...options, eventType, payload }]);
    return id!;
  }

  /**
   * Writes many messages, in order.
   * @returns the ids of their rows, in the order of the items
   * @throws as {@link publish}
   */
  async publishBatch(items: readonly OutboxItem<Events>[]): Promise<string[]> {
    if (!Array.isArray(items)) {
      throw new InvalidMessageError(`A batch must be a list of messages, not ${shown(items)}`);
    }
    return this.put(items as readonly OutboxPublication[]);
  }

  private async put(publications: readonly OutboxPublication[]): Promise<string[]> {
    const messages = publications.map((one) => outboxMessageOf(one, this.producer));
    const ids = await this.store.put(this.transaction, messages);
    this.relay?.wake();
    return ids;
  }
}
