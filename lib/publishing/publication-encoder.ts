import type { Codec } from '../core/codecs/codec.js';
import { withIdempotencyKey } from '../core/codecs/idempotency-key.js';
import { messageOf } from '../core/errors/error-record.js';
import { InvalidMessageError, PayloadTooLargeError } from '../core/errors/publishing.errors.js';
import { UnsupportedFeatureError } from '../core/errors/start-up.errors.js';
import type { MessageToSend } from '../core/instrumentation.js';
import type {
  Fields,
  Idempotency,
  IdempotencyWindow,
  Metadata,
  OutgoingEntry,
  When,
} from '../core/message.js';
import { disarm } from '../core/returned-promise.js';
import type { Router } from '../core/routing.js';
import { whenOf } from '../options/due-time.js';
import { PUBLICATION, type Publication } from '../options/publish-options.js';
import type { DelayStore } from '../ports/delays.js';
import type { MessageSource } from '../ports/source.js';

export interface EncoderOptions {
  readonly codec: Codec;
  readonly route: Router;
  readonly maxPayloadBytes: number;
  readonly idempotencyWindow: IdempotencyWindow;
  /** Where delayed messages wait until they are due. Undefined: they are refused. */
  readonly delays: DelayStore | undefined;
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

/** As {@link Encoded}, for a message with a key that gives its partition. */
class KeyedEntry extends Encoded {
  constructor(
    stream: string,
    fields: Fields,
    readonly key: string,
  ) {
    super(stream, fields);
  }
}

/** Makes entries of messages: routes, encodes, and checks them against what the source can do. */
export class PublicationEncoder {
  constructor(
    private readonly source: Pick<MessageSource, 'capabilities'>,
    private readonly options: EncoderOptions,
  ) {}

  /**
   * What an instrumentation is told of a message.
   * @param index position of the message in its batch
   * @throws InvalidMessageError
   */
  described(publication: Publication, index?: number): MessageToSend {
    if (!PUBLICATION.accepts(publication)) throw invalidMessage(publication, index);
    const { eventType, metadata } = publication;
    return { stream: publication.stream ?? this.options.route(eventType), eventType, metadata };
  }

  /**
   * @param index position of the message in its batch
   * @param metadata in place of the publication's own
   * @throws InvalidMessageError, PayloadTooLargeError, UnsupportedFeatureError
   */
  encode(publication: Publication, index?: number, metadata?: Metadata): OutgoingEntry {
    if (!PUBLICATION.accepts(publication)) throw invalidMessage(publication, index);
    const { eventType, payload, idempotencyKey, waitReplicas } = publication;
    const { key, partition } = publication;
    const when = this.when(publication);
    const stream = publication.stream ?? this.options.route(eventType);
    metadata ??= publication.metadata;
    const fields = this.fieldsOf(
      metadata ? { stream, eventType, payload, metadata } : { stream, eventType, payload },
    );
    this.checkSize(fields, eventType);
    const isPlain = idempotencyKey === undefined && waitReplicas === undefined && !when;
    if (isPlain && partition === undefined) {
      this.checkWhole(fields, eventType);
      return key === undefined ? new Encoded(stream, fields) : new KeyedEntry(stream, fields, key);
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
      ...(key !== undefined && { key }),
      ...(partition !== undefined && { partition: this.partition(partition) }),
    };
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

  private partition(partition: number): number {
    const { technology, partitionedPublish } = this.source.capabilities;
    if (!partitionedPublish) {
      const advice = 'Publish without partition.';
      throw new UnsupportedFeatureError('Publishing to a partition', technology, advice);
    }
    return partition;
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
