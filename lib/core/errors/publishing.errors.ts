import { StreamsError } from './streams.error.js';

/**
 * The message cannot be published: it has no event type, or one with `*`; the codec cannot encode its
 * payload or metadata; or an option of the publication is out of bounds.
 */
export class InvalidMessageError extends StreamsError {
  static readonly code: string = 'INVALID_MESSAGE';
  static readonly advice: string = 'Correct the message, then publish it again.';

  constructor(problem: string, cause?: unknown) {
    super(
      InvalidMessageError.code,
      `${problem.replace(/\.$/, '')}. ${InvalidMessageError.advice}`,
      cause,
    );
  }

  override get permanent(): boolean {
    return true;
  }
}

/**
 * A field of the encoded message has more bytes than `maxPayloadBytes`, or the whole message has more
 * than the message source takes. Has `size`, `limit`, `eventType`.
 */
export class PayloadTooLargeError extends StreamsError {
  static readonly code: string = 'PAYLOAD_TOO_LARGE';
  static readonly advice: string =
    'Store the payload elsewhere and publish a reference to it, or raise maxPayloadBytes.';

  /** @param bounded the technology whose limit for whole messages it is */
  constructor(
    readonly size: number,
    readonly limit: number,
    readonly eventType: string,
    bounded?: string,
  ) {
    super(
      PayloadTooLargeError.code,
      bounded === undefined
        ? `The payload of "${eventType}" has ${size} bytes, the limit is ${limit}. ` +
            PayloadTooLargeError.advice
        : `The message "${eventType}" has ${size} bytes with its event type and metadata; ${bounded} takes ` +
            `${limit}. Store the payload elsewhere and publish a reference to it.`,
    );
  }

  override get permanent(): boolean {
    return true;
  }
}

/**
 * Some messages of a batch could not be published. `results` has the id or the error of each message, in
 * the order of the batch. `errors` has only the errors.
 */
export class PublishBatchError extends StreamsError {
  static readonly code: string = 'PUBLISH_BATCH';
  static readonly advice: string =
    'Publish the messages again whose entry in results is an error, by the rules for that error.';

  /** Only the errors, in the order of the batch. */
  readonly errors: readonly Error[];

  constructor(readonly results: readonly (string | Error)[]) {
    const errors = results.filter((result) => result instanceof Error);
    const [first] = errors;
    super(
      PublishBatchError.code,
      `${errors.length} of ${results.length} messages were not published, the first because: ` +
        `${first?.message} ${PublishBatchError.advice}`,
      first,
    );
    this.errors = errors;
  }
}

/**
 * The message is stored, but fewer replicas than `waitReplicas` have confirmed it in time: a failover
 * may lose it. It is not known to be lost. Has `stream`, `id`, `wanted`, `replicas`, and a `cause` if the
 * wait itself failed.
 */
export class NotReplicatedError extends StreamsError {
  static readonly code: string = 'NOT_REPLICATED';
  static readonly advice: string =
    'Publish the message again only with an idempotency key; otherwise it may be stored twice.';

  constructor(
    readonly stream: string,
    /** Id of the message in its stream. */
    readonly id: string,
    readonly wanted: number,
    readonly replicas: number,
    timeout: number,
    cause?: unknown,
  ) {
    super(
      NotReplicatedError.code,
      `The message ${id} of "${stream}" is stored, but ${replicas} of ${wanted} replicas have confirmed it within ${timeout} ms. ` +
        NotReplicatedError.advice,
      cause,
    );
  }
}

/**
 * The slowest group of the stream is further behind than the `maxLag` of the publication. Thrown at once
 * with `onBackpressure: 'error'`, else after `timeout`. Nothing was published. Has `stream`, `group`,
 * `lag`, `threshold`.
 */
export class BackpressureError extends StreamsError {
  static readonly code: string = 'BACKPRESSURE';
  static readonly advice: string =
    'Publish the message later, start more consumers of that group, or raise maxLag.';

  constructor(
    readonly stream: string,
    readonly group: string,
    /** Entries not yet delivered to the group. */
    readonly lag: number,
    /** The `maxLag` of the publication. */
    readonly threshold: number,
  ) {
    super(
      BackpressureError.code,
      `Group "${group}" of stream "${stream}" is ${lag} messages behind, the limit is ${threshold}; ` +
        `nothing was published. ${BackpressureError.advice}`,
    );
  }
}
