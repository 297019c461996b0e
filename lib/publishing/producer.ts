import { divide } from '../core/collections/divide.js';
import { systemClock, type Clock } from '../core/clock.js';
import { asError } from '../core/errors/error-record.js';
import { carriesMetadata } from '../core/codecs/carries-metadata.js';
import type { Sending, SendingKind } from '../core/instrumentation.js';
import type { Instruments } from '../core/instruments.js';
import { InvalidMessageError } from '../core/errors/publishing.errors.js';
import { ClosedError, UnsupportedFeatureError } from '../core/errors/start-up.errors.js';
import type { EventBus } from '../core/event-bus.js';
import type { Metadata, OutgoingEntry, When } from '../core/message.js';
import { reported, tellPublished } from '../core/published-report.js';
import { shown } from '../core/option-schema/wording.js';
import type { Publication } from '../options/publish-options.js';
import { isDelayed, type DelayedEntry } from '../ports/delays.js';
import type { GroupAdmin } from '../ports/group-admin.js';
import type { MessageSource } from '../ports/source.js';
import type { SqlTransaction } from '../ports/sql-transaction.js';
import { Backpressure } from './backpressure/backpressure.js';
import { PublicationEncoder, type EncoderOptions } from './publication-encoder.js';
import { through, withoutMetadata } from './through.js';

export interface ProducerOptions extends EncoderOptions {
  /** Needed for `maxLag`. */
  readonly groups?: GroupAdmin | undefined;
  /** @default the system's */
  readonly clock?: Clock;
  /** Told of each message that was sent. */
  readonly events?: EventBus;
  /** What watches messages that are sent. @default nothing */
  readonly instruments?: Instruments;
  /** Called for each message that waits there now. */
  readonly onScheduled: (stream: string, when: When) => void;
}

/** A message that is encoded and not sent yet. */
export interface Prepared {
  readonly entry: OutgoingEntry;
  readonly sending: Sending | undefined;
}

/** Publishes messages: routes, encodes, checks, and hands them to the source. */
export class Producer {
  private closed = false;
  private pressure: Backpressure | undefined;
  private metadataTravels: boolean | undefined;
  private readonly encoder: PublicationEncoder;
  /** Sends entries that are encoded, and reports them. */
  readonly outlet: Pick<MessageSource, 'publish'>;

  constructor(
    private readonly source: MessageSource,
    private readonly options: ProducerOptions,
  ) {
    this.encoder = new PublicationEncoder(source, options);
    this.outlet = { publish: reported((entries) => source.publish(entries), options) };
  }

  /**
   * @returns the id of the message in its stream; for a delayed message, the id under which it
   * waits
   */
  async publish(publication: Publication): Promise<string> {
    const sending = this.begin([publication]);
    if (!sending) return this.publishOne(publication);
    return through(sending, () => this.publishOne(publication, sending));
  }

  private async publishOne(publication: Publication, sending?: Sending): Promise<string> {
    const entry = this.encode(publication, undefined, sending?.metadataOf(0));
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
    const sending = this.begin(publications);
    const publish = (): Promise<(string | Error)[]> => {
      const entries = this.encodeAll(publications, sending);
      return this.pass(publications, entries, () => this.send(entries));
    };
    return sending ? through(sending, publish) : publish();
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
    const sending = this.begin(publications);
    const publish = async (): Promise<string[]> => {
      const entries = this.encodeAll(publications, sending);
      const ids = await this.pass(publications, entries, () => this.write(transaction, entries));
      this.tellScheduled(entries, ids);
      tellPublished(this.options, entries, { by: 'producer', results: ids });
      return ids;
    };
    return sending ? through(sending, publish) : publish();
  }

  /**
   * Sends entries that were encoded before, also by another process. As {@link publishBatch}.
   * @throws ClosedError
   */
  async publishEncoded(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]> {
    if (this.closed) throw new ClosedError('The producer');
    return this.send(entries);
  }

  /**
   * @param index position of the message in its batch
   * @param metadata in place of the publication's own
   */
  encode(publication: Publication, index?: number, metadata?: Metadata): OutgoingEntry {
    if (this.closed) throw new ClosedError('The producer');
    return this.encoder.encode(publication, index, metadata);
  }

  /**
   * Encodes a message that another part of the library sends later.
   * @returns with `sending`, where there is an instrumentation: the caller ends it
   */
  prepare(publication: Publication, kind: SendingKind): Prepared {
    const sending = this.begin([publication], kind);
    try {
      return { entry: this.encode(publication, undefined, sending?.metadataOf(0)), sending };
    } catch (error) {
      sending?.ended(asError(error));
      throw error;
    }
  }

  /**
   * Tells the instrumentation of messages that are about to be sent.
   * @returns undefined where there is no instrumentation, or nothing to send
   * @throws InvalidMessageError
   */
  private begin(
    publications: readonly Publication[],
    kind: SendingKind = 'send',
  ): Sending | undefined {
    const instrumentation = this.options.instruments?.current;
    if (!instrumentation || this.closed) return undefined;
    requireList(publications);
    if (publications.length === 0) return undefined;
    const { codec } = this.options;
    const messages = publications.map((one, index) => this.encoder.described(one, index));
    const sending = instrumentation.sending(messages, kind);
    this.metadataTravels ??= carriesMetadata(codec);
    return this.metadataTravels ? sending : withoutMetadata(sending);
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

  private encodeAll(publications: readonly Publication[], sending?: Sending): OutgoingEntry[] {
    requireList(publications);
    return publications.map((publication: Publication, index) =>
      this.encode(publication, index, sending?.metadataOf(index)),
    );
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
    if (!entries.some(isDelayed)) return this.outlet.publish(entries);
    return divide(
      entries,
      isDelayed,
      reported((delayed) => this.schedule(delayed), this.options),
      this.outlet.publish,
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

function requireList(publications: readonly Publication[]): void {
  if (Array.isArray(publications)) return;
  throw new InvalidMessageError(`A batch must be a list of messages, not ${shown(publications)}`);
}
