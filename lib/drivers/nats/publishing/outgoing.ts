import type { NatsMessage, Stored } from './nats-message.js';

/** What became of a message: where it is stored, or why not. */
export type Outcome = Stored | Error;

/** A message until its outcome is known. */
export interface Outgoing {
  readonly message: NatsMessage;
  /** Bytes as the server counts them. */
  readonly size: number;
  /** Rises with each message of this process: the order within a stream. */
  readonly number: number;
  readonly resolve: (outcome: Outcome) => void;
  /** How often the server had no stream for it. */
  missed: number;
  /** When it had none for the first time, on the clock of this process. */
  missedSince: number;
  /** How often the server was storing another message with its `Nats-Msg-Id`. */
  collided: number;
}
