import { divide } from '../core/collections/divide.js';
import { systemClock, type Clock } from '../core/clock.js';
import { InvalidMessageError } from '../core/errors/publishing.errors.js';
import { ClosedError, UnsupportedFeatureError } from '../core/errors/start-up.errors.js';
import type { OutgoingEntry, When } from '../core/message.js';
import { shown } from '../core/option-schema/wording.js';
import type { Publication } from '../options/publish-options.js';
import { isDelayed, type DelayedEntry } from '../ports/delays.js';
import type { GroupAdmin } from '../ports/group-admin.js';
import type { MessageSource } from '../ports/source.js';
import type { SqlTransaction } from '../ports/sql-transaction.js';
import { Backpressure } from './backpressure/backpressure.js';
import { PublicationEncoder, type EncoderOptions } from './publication-encoder.js';

export interface ProducerOptions extends EncoderOptions {
  /** Needed for `maxLag`. */
  readonly groups?: GroupAdmin | undefined;
  /** @default the system's */
  readonly clock?: Clock;
  /** Called for each message that waits there now. */
  readonly onScheduled: (stream: string, when: When) => void;
}

/** Publishes messages: routes, encodes, checks, and hands them to the source. */
export class Producer {
  private closed = false;
  private pressure: Backpressure | undefined;
  private readonly encoder: PublicationEncoder;

  constructor(
    private readonly source: MessageSource,
    private readonly options: ProducerOptions,
  ) {
    this.encoder = new PublicationEncoder(source, options);
  }

  /**
   * @returns the id of the message in its stream; for a delayed message, the id under which it
   * waits
   */
  async publish(publication: Publication): Promise<string> {
    const entry = this.encode(publication);
    if (publication.maxLag !== undefined) await this.backpressure.pass(entry.stream, publication);
    const [result] = await this.send([entry]);
    if (result instanceof Error) throw result;
    return result!;
  }

  /**
   * Publishes many messages at once, in order within each stream. Sends none of them if one cannot
   * be encoded, or if back-pressure refuses one.
   * @returns an id or an error for each message: an error for one message does not hide the ids of
   * the others
   */
  publishBatch(publications: readonly Publication[]): Promise<(string | Error)[]> {
    const entries = this.encodeAll(publications);
    return this.pass(publications, entries, () => this.send(entries));
  }

  /**
   * Publishes messages within a transaction of the application, in order within each stream.
   * @returns the ids, in the order of the messages
   * @throws UnsupportedFeatureError where the source has no transactions of the application
   */
  async publishWithin(
    transaction: SqlTransaction,
    publications: readonly Publication[],
  ): Promise<string[]> {
    const entries = this.encodeAll(publications);
    const ids = await this.pass(publications, entries, () => this.write(transaction, entries));
    this.tellScheduled(entries, ids);
    return ids;
  }

  /**
   * Sends entries that were encoded before, also by another process. As {@link publishBatch}.
   * @throws ClosedError
   */
  async publishEncoded(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]> {
    if (this.closed) throw new ClosedError('The producer');
    return this.send(entries);
  }

  /** @param index position of the message in its batch */
  encode(publication: Publication, index?: number): OutgoingEntry {
    if (this.closed) throw new ClosedError('The producer');
    return this.encoder.encode(publication, index);
  }

  close(): void {
    this.closed = true;
    this.pressure?.close();
  }

  private get backpressure(): Backpressure {
    const { groups, clock = systemClock } = this.options;
    const { technology } = this.source.capabilities;
    return (this.pressure ??= new Backpressure({ technology, groups, clock }));
  }

  private encodeAll(publications: readonly Publication[]): OutgoingEntry[] {
    if (!Array.isArray(publications)) {
      throw new InvalidMessageError(
        `A batch must be a list of messages, not ${shown(publications)}`,
      );
    }
    return publications.map((publication: Publication, index) => this.encode(publication, index));
  }

  /** Calls `send` once no limit of lag holds the messages back: at once where there is no limit. */
  private pass<T>(
    publications: readonly Publication[],
    entries: readonly OutgoingEntry[],
    send: () => Promise<T>,
  ): Promise<T> {
    if (publications.every(({ maxLag }) => maxLag === undefined)) return send();
    return this.allPass(publications, entries).then(send);
  }

  private write(transaction: SqlTransaction, entries: readonly OutgoingEntry[]): Promise<string[]> {
    const { source } = this;
    if (source.publishWithin) return source.publishWithin(transaction, entries);
    const advice =
      'Use the outbox: it stores the message in your transaction and publishes it after the commit.';
    const { technology } = source.capabilities;
    throw new UnsupportedFeatureError('Publishing within a transaction', technology, advice);
  }

  private async allPass(
    publications: readonly Publication[],
    entries: readonly OutgoingEntry[],
  ): Promise<void> {
    // A batch is sent as a whole, so each limit of each stream is checked once.
    const distinct = new Map<string, () => Promise<void>>();
    for (const [index, publication] of publications.entries()) {
      const { maxLag, onBackpressure, timeout } = publication;
      if (maxLag === undefined) continue;
      const { stream } = entries[index]!;
      const key = JSON.stringify([stream, maxLag, onBackpressure, timeout]);
      distinct.set(key, () => this.backpressure.pass(stream, publication));
    }
    await Promise.all([...distinct.values()].map((pass) => pass()));
  }

  private send(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]> {
    if (!entries.some(isDelayed)) return this.source.publish(entries);
    return divide(
      entries,
      isDelayed,
      (delayed) => this.schedule(delayed),
      (others) => this.source.publish(others),
    );
  }

  private async schedule(entries: readonly DelayedEntry[]): Promise<(string | Error)[]> {
    const results = await this.options.delays!.schedule(entries);
    this.tellScheduled(entries, results);
    return results;
  }

  private tellScheduled(
    entries: readonly OutgoingEntry[],
    results: readonly (string | Error)[],
  ): void {
    for (const [index, { stream, when }] of entries.entries()) {
      if (when && typeof results[index] === 'string') this.options.onScheduled(stream, when);
    }
  }
}
