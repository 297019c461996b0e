/** What the subject for acknowledging a delivery says of it. */
export interface DeliveryPlace {
  /** How often the message was delivered, this time included. */
  readonly deliveries: number;
  /** Number of the message in its JetStream stream. */
  readonly sequence: number;
  /** Number of the delivery among all of the durable. */
  readonly consumerSequence: number;
  /** When the message was stored, by the server's clock, in milliseconds since the epoch. */
  readonly storedAt: number;
  /** There are messages that the durable has not delivered yet. */
  readonly hasMore: boolean;
}

/**
 * Whether two deliveries are of one message, and not of two that have the same number, because the stream
 * was deleted and made again.
 */
export const isSameMessage = (ackSubject: string, other: string): boolean =>
  storedOf(ackSubject) === storedOf(other);

/** When the message was stored, in nanoseconds, as a text. */
function storedOf(ackSubject: string): string {
  const tokens = ackSubject.split('.');
  return tokens[tokens.length > 9 ? 9 : 7]!;
}

/**
 * Reads `$JS.ACK.<stream>.<durable>.<deliveries>.<sequence>.<of the durable>.<time>.<pending>`. Another
 * form has the domain and the account before the stream, and a token at the end.
 */
export function placeOf(ackSubject: string): DeliveryPlace {
  const tokens = ackSubject.split('.');
  const at = tokens.length > 9 ? 6 : 4;
  return {
    deliveries: Number(tokens[at]),
    sequence: Number(tokens[at + 1]),
    consumerSequence: Number(tokens[at + 2]),
    // Nanoseconds are more than a number holds exactly.
    storedAt: Number(tokens[at + 3]!.slice(0, -6)),
    hasMore: tokens[at + 4] !== '0',
  };
}
