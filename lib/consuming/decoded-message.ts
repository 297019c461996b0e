import type { Codec, DecodedFields } from '../core/codec.js';
import type { Delivery } from '../core/delivery.js';
import type { Lease } from '../core/lease.js';
import { isoTime, type Message, type Metadata } from '../core/message.js';
import { withoutHeader } from '../core/request.js';

const NO_METADATA: Metadata = Object.freeze({});

/** @throws what the codec throws */
export function decodeMessage(delivery: Delivery, codec: Codec): Message {
  const fields = delivery.lease.fields!;
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
