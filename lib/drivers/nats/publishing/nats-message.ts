import type { WireMessage } from '../wire/encode-entry.js';

/** A message on its way to JetStream. */
export interface NatsMessage extends WireMessage {
  /** The stream as the application names it. It is made where it is missing. */
  readonly stream: string;
  readonly subject: string;
  /** What it says, for errors: `order.paid`. */
  readonly eventType?: string | undefined;
}

/** What JetStream answers when it has stored a message. */
export interface Stored {
  /** The JetStream stream. */
  readonly stream: string;
  readonly seq: number;
  /** A message with this `Nats-Msg-Id` was there before: `seq` is its sequence. */
  readonly duplicate?: boolean;
}
