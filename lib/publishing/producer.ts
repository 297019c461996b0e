import { systemClock, type Clock } from '../core/clock.js';
import type { Codec } from '../core/codecs/codec.js';
import { isDelayed, type DelayedEntry, type DelayStore } from '../ports/delays.js';
import { disarm } from '../core/returned-promise.js';
import { divide } from '../core/collections/divide.js';
import { whenOf } from '../options/due-time.js';
import { messageOf } from '../core/errors/error-record.js';
import { InvalidMessageError, PayloadTooLargeError } from '../core/errors/publishing.errors.js';
import { ClosedError, UnsupportedFeatureError } from '../core/errors/start-up.errors.js';
import type {
  Fields,
  Idempotency,
  IdempotencyWindow,
  OutgoingEntry,
  When,
} from '../core/message.js';
import type { GroupAdmin } from '../ports/group-admin.js';
import { withIdempotencyKey } from '../core/codecs/idempotency-key.js';
import { PUBLICATION, type Publication } from '../options/publish-options.js';
import { shown } from '../core/option-schema/wording.js';
import type { Router } from '../core/routing.js';
import type { MessageSource } from '../ports/source.js';
import { Backpressure } from './backpressure/backpressure.js';

export interface ProducerOptions {
  readonly codec: Codec;
  readonly route: Router;
  readonly maxPayloadBytes: number;
  readonly idempotencyWindow: IdempotencyWindow;
  /** Needed for `maxLag`. */
  readonly groups?: GroupAdmin | undefined;
  /** @default the system's */
  readonly clock?: Clock;
  /** Where delayed messages wait until they are due. */
  readonly delays: DelayStore | undefined;
  /** Called for each message that waits there now. */
  readonly onScheduled: (stream: string, when: When) => void;
}

/**
 * A class and no literal, because an entry lives until the settlement of the message that it
 * follows from: see docs/decisions/0015.
 */
class Encoded implements OutgoingEntry {
  constructor(
    readonly stream: string,
    readonly fields: Fields,
  ) {}
}

/** Publishes messages: routes, encodes, checks, and hands them to the source. */
export class Producer {
  private closed = false;
  private pressure: Backpressure | undefined;

  constructor(
    private readonly source: MessageSource,
    private readonly options: ProducerOptions,
  ) {}

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
    if (!Array.isArray(publications)) {
      throw new InvalidMessageError(
        `A batch must be a list of messages, not ${shown(publications)}`,
      );
    }
    const entries = publications.map((publication: Publication, index) =>
      this.encode(publication, index),
    );
    if (publications.every(({ maxLag }) => maxLag === undefined)) return this.send(entries);
    return this.allPass(publications, entries).then(() => this.send(entries));
  }

  /** @param index position of the message in its batch */
  encode(publication: Publication, index?: number): OutgoingEntry {
    if (this.closed) throw new ClosedError('The producer');
    if (!PUBLICATION.accepts(publication)) throw invalidMessage(publication, index);
    const { eventType, payload, metadata, idempotencyKey, waitReplicas } = publication;
    const when = this.when(publication);
    const stream = publication.stream ?? this.options.route(eventType);
    const fields = this.fieldsOf(
      metadata ? { stream, eventType, payload, metadata } : { stream, eventType, payload },
    );
    this.checkSize(fields, eventType);
    if (idempotencyKey === undefined && waitReplicas === undefined && !when) {
      this.checkWhole(fields, eventType);
      return new Encoded(stream, fields);
    }
    const keyed =
      idempotencyKey === undefined ? fields : withIdempotencyKey(fields, idempotencyKey);
    this.checkWhole(keyed, eventType);
    return {
      stream,
      fields: keyed,
      ...(idempotencyKey !== undefined && { idempotency: this.idempotency(idempotencyKey) }),
      ...(waitReplicas !== undefined && { waitReplicas: this.replicas(waitReplicas) }),
      ...(when && { when }),
    };
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
    for (const [index, { stream, when }] of entries.entries()) {
      if (typeof results[index] === 'string') this.options.onScheduled(stream, when);
    }
    return results;
  }

  private when(due: Publication): When | undefined {
    const when = whenOf(due);
    if (!when || this.options.delays) return when;
    const { technology } = this.source.capabilities;
    const advice = 'Publish at once, or use a driver that has the port delays.';
    throw new UnsupportedFeatureError('Publishing with a delay', technology, advice);
  }

  private idempotency(key: string): Idempotency {
    const { technology, idempotentPublish } = this.source.capabilities;
    if (!idempotentPublish) {
      const advice = 'Publish without a key, and make the handlers idempotent.';
      throw new UnsupportedFeatureError('Publishing with an idempotencyKey', technology, advice);
    }
    return { key, window: this.options.idempotencyWindow };
  }

  private replicas(count: number): number {
    const { technology, replicatedPublish } = this.source.capabilities;
    if (!replicatedPublish) {
      const advice = 'Publish without waitReplicas.';
      throw new UnsupportedFeatureError('Publishing with waitReplicas', technology, advice);
    }
    return count;
  }

  private fieldsOf(message: Parameters<Codec['encode']>[0]): Fields {
    try {
      return this.options.codec.encode(message);
    } catch (error) {
      throw this.unencodable(message.eventType, messageOf(error), error);
    }
  }

  private unencodable(eventType: string, detail: string, cause?: unknown): InvalidMessageError {
    const { name } = this.options.codec;
    return new InvalidMessageError(
      `The payload of "${eventType}" cannot be encoded by codec "${name}": ${detail}`,
      cause,
    );
  }

  private checkSize(fields: Fields, eventType: string): void {
    const limit = this.options.maxPayloadBytes;
    if (!isFields(fields)) {
      disarm(fields);
      throw this.unencodable(eventType, 'it answered no list of texts, names and values in turn');
    }
    for (let index = 1; index < fields.length; index += 2) {
      const value = fields[index]!;
      // A text has at most three bytes per code unit, so only long texts need an exact count.
      if (value.length * 3 <= limit) continue;
      const size = Buffer.byteLength(value);
      if (size > limit) throw new PayloadTooLargeError(size, limit, eventType);
    }
  }

  /** Where the source bounds whole messages. */
  private checkWhole(fields: Fields, eventType: string): void {
    const { maxPayload, technology } = this.source.capabilities;
    if (maxPayload === undefined) return;
    const size = fields.reduce((bytes, text) => bytes + Buffer.byteLength(text), 0);
    if (size > maxPayload) throw new PayloadTooLargeError(size, maxPayload, eventType, technology);
  }
}

function invalidMessage(publication: Publication, index: number | undefined): InvalidMessageError {
  const [what, at] = index === undefined ? ['a message', ''] : [`[${index}]`, `[${index}].`];
  return new InvalidMessageError(PUBLICATION.problems(publication, at, what).join('; '));
}
/**
 * A codec of the application may return anything, and one bad entry must not spoil the others of
 * its batch.
 */
function isFields(fields: unknown): fields is Fields {
  if (!Array.isArray(fields) || fields.length === 0 || fields.length % 2 === 1) return false;
  // A loop without a callback, because this runs for each message.
  for (let index = 0; index < fields.length; index++) {
    if (typeof fields[index] !== 'string') return false;
  }
  return true;
}
