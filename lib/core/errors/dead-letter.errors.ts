import { StreamsError } from './streams.error.js';

/**
 * Handlers would forward each other's dead letters round in a circle. Thrown when the application
 * starts.
 */
export class ForwardCycleError extends StreamsError {
  static readonly code: string = 'FORWARD_CYCLE';
  static readonly advice: string =
    "Let one of these handlers forward to another stream, or set its option deadLetter to 'queue'.";

  /** @param circle the handlers in their order, each with the stream that it forwards from */
  constructor(circle: readonly { readonly handler: string; readonly stream: string }[]) {
    const steps = circle.map(({ handler, stream }) => `${handler} from "${stream}"`);
    super(
      ForwardCycleError.code,
      `Dead letters would be forwarded round in a circle: ${[...steps, `"${circle[0]!.stream}"`].join(' to ')}. ` +
        ForwardCycleError.advice,
    );
  }
}

/**
 * A message is not forwarded: to its own stream, or more often than 8 times. The error of the event
 * `strategy-failed`.
 */
export class ForwardLimitError extends StreamsError {
  static readonly code: string = 'FORWARD_LIMIT';
  static readonly advice: string = 'Forward to a stream whose handlers do not forward back.';

  constructor(stream: string, why: string) {
    super(
      ForwardLimitError.code,
      `The message cannot be forwarded to "${stream}": ${why}. ${ForwardLimitError.advice}`,
    );
  }
}

/**
 * A dead letter has more bytes than the dead letter queue takes, also without the stack of its error.
 * Nothing was stored, and the message stays pending. Has `stream`, `id`, `size` and `limit`, in bytes.
 */
export class DeadLetterTooLargeError extends StreamsError {
  static readonly code: string = 'DEAD_LETTER_TOO_LARGE';
  static readonly advice: string =
    'Raise the limit of the server: max_payload on NATS, max.message.bytes of the topic of dead letters on Kafka; or fill the slot deadLetterQueue with another driver. Then the message is dead-lettered. Or acknowledge the message.';

  /** @param limit most bytes of one dead letter */
  constructor(
    readonly stream: string,
    readonly id: string,
    readonly size: number,
    readonly limit: number,
  ) {
    super(
      DeadLetterTooLargeError.code,
      `The dead letter of message ${id} of "${stream}" has ${size} bytes, the dead letter queue takes ${limit}. ` +
        DeadLetterTooLargeError.advice,
    );
  }
}
