import type { Codec, DecodedFields } from '../../core/codecs/codec.js';
import type { Delivery, Handler } from '../../core/delivery.js';
import { errorRecord } from '../../core/errors/error-record.js';
import { UndecodableError } from '../../core/errors/handling.errors.js';
import type { Lease } from '../../core/lease.js';
import { isoTime, type Fields, type Message, type Metadata } from '../../core/message.js';
import { withoutHeader } from '../../core/request-header.js';
import { deadLetter } from '../../core/settlement.js';

/**
 * Parses the entry once, and only for a handler that will see it. A message without
 * metadata goes on to `next`, every other message to `withMetadata`.
 */
export function decode(codec: Codec) {
  return (next: Handler, withMetadata: Handler): Handler =>
    (delivery) => {
      try {
        // Ordering and dedupe have decoded it before.
        if (!delivery.message) delivery.message = decodeMessage(delivery, codec);
      } catch (error) {
        const record = errorRecord(new UndecodableError(codec.name, error));
        return Promise.resolve(deadLetter('undecodable', record));
      }
      return (delivery.message.metadata === NO_METADATA ? next : withMetadata)(delivery);
    };
}

/** Decodes the entry early. False: it cannot be decoded, which {@link decode} will report. */
export function decodeInto(delivery: Delivery, codec: Codec): boolean {
  try {
    delivery.message ??= decodeMessage(delivery, codec);
    return true;
  } catch {
    return false;
  }
}

const NO_METADATA: Metadata = Object.freeze({});

/** @throws what the codec throws, and TypeError where a field has bytes that are no UTF-8 */
export function decodeMessage(delivery: Delivery, codec: Codec): Message {
  const fields = delivery.lease.fields!;
  for (const text of fields) if (!text.isWellFormed()) throw noText(fields);
  const own = delivery.request ? withoutHeader(fields) : fields;
  return new DecodedMessage(delivery, codec.decode(own));
}

class DecodedMessage implements Message {
  readonly id: string;
  readonly stream: string;
  readonly eventType: string;
  readonly payload: unknown;
  readonly metadata: Metadata;
  private readonly lease: Lease;
  private readonly written: string | undefined;

  constructor(delivery: Delivery, decoded: DecodedFields) {
    const { lease } = delivery;
    this.lease = lease;
    this.id = lease.id;
    this.stream = lease.stream;
    this.eventType = delivery.eventType;
    this.payload = decoded.payload;
    this.metadata = decoded.metadata ?? NO_METADATA;
    this.written = decoded.timestamp;
  }

  /** Formatted on demand: few handlers read it, and a Date per message is costly. */
  get timestamp(): string {
    return this.written ?? isoTime(this.lease.publishedAt);
  }
}

/** The error for an entry with bytes that are no UTF-8, which makes it undecodable. */
export function noText(fields: Fields): TypeError {
  const at = fields.findIndex((text) => !text.isWellFormed());
  // A field name that is not valid text is not quoted.
  const name =
    at % 2 === 1 && fields[at - 1]!.isWellFormed() ? ` in the field "${fields[at - 1]}"` : '';
  return new TypeError(`it has bytes that are no UTF-8${name}`);
}
