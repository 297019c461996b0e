import type { Codec, DecodedFields } from '../../core/codec.js';
import { errorRecord } from '../../core/errors/error-record.js';
import { UndecodableError } from '../../core/errors/handling.errors.js';
import type { Delivery } from '../../core/delivery.js';
import type { Lease } from '../../core/lease.js';
import type { Middleware } from '../../core/handler.js';
import { isoTime, type Message, type Metadata } from '../../core/message.js';
import { withoutHeader } from '../../core/request.js';
import { deadLetter } from '../../core/settlement.js';

const NO_METADATA: Metadata = Object.freeze({});

/** Parses the entry once, and only for a handler that will see it. */
export function decode(codec: Codec): Middleware {
  return (delivery, next) => {
    try {
      // What is deduplicated was looked at before.
      if (!delivery.message) delivery.message = decoded(delivery, codec);
    } catch (error) {
      const record = errorRecord(new UndecodableError(codec.name, error));
      return Promise.resolve(deadLetter('undecodable', record));
    }
    return next(delivery);
  };
}

/** Decodes it early. False: it cannot be read, which {@link decode} will say. */
export function decodeInto(delivery: Delivery, codec: Codec): boolean {
  try {
    delivery.message = decoded(delivery, codec);
    return true;
  } catch {
    return false;
  }
}

function decoded(delivery: Delivery, codec: Codec): Message {
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
