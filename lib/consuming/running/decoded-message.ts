import type { Codec, DecodedFields } from '../../core/codecs/codec.js';
import type { Delivery } from '../../core/delivery.js';
import type { Lease } from '../../core/lease.js';
import { isoTime, type Fields, type Message, type Metadata } from '../../core/message.js';
import { withoutHeader } from '../../core/request.js';
import { areTexts } from '../../core/codecs/text-bytes.js';

const NO_METADATA: Metadata = Object.freeze({});

/** @throws what the codec throws, and TypeError where a field has bytes that are no UTF-8 */
export function decodeMessage(delivery: Delivery, codec: Codec): Message {
  const fields = delivery.lease.fields!;
  if (!areTexts(fields)) throw noText(fields);
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

  /** Formatted on demand: few handlers ask, and a Date per message is dear. */
  get timestamp(): string {
    return this.written ?? isoTime(this.lease.publishedAt);
  }
}

/** Why an entry whose bytes are no UTF-8 is undecodable. */
export function noText(fields: Fields): TypeError {
  const at = fields.findIndex((text) => !text.isWellFormed());
  // A name that is no text is not quoted.
  const name =
    at % 2 === 1 && fields[at - 1]!.isWellFormed() ? ` in the field "${fields[at - 1]}"` : '';
  return new TypeError(`it has bytes that are no UTF-8${name}`);
}
