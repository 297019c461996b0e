import { StreamsError } from './streams.error.js';

/**
 * No answer came within the time limit of a request. `timeout` and `eventType` say of what; the `cause`
 * is a refusal, where there was one. The request may have been carried out.
 */
export class RequestTimeoutError extends StreamsError {
  static readonly code: string = 'REQUEST_TIMEOUT';
  static readonly advice: string =
    'See that a service with this @MessagePattern runs and keeps up, or raise requestTimeout.';

  constructor(
    readonly eventType: string,
    readonly timeout: number,
    cause?: unknown,
  ) {
    super(
      RequestTimeoutError.code,
      `No answer to "${eventType}" came within ${timeout} ms; it may have been carried out. ` +
        RequestTimeoutError.advice,
      cause,
    );
  }
}

/**
 * Some of the values that answer a request were lost: the connection of the service broke, or more came
 * at once than are kept.
 */
export class AnswerLostError extends StreamsError {
  static readonly code: string = 'ANSWER_LOST';
  static readonly advice: string = 'Ask again, or for fewer values at a time.';

  constructor(eventType: string) {
    super(
      AnswerLostError.code,
      `Some of the values that answer "${eventType}" were lost: the connection of the service broke, ` +
        `or more came at once than are kept. ${AnswerLostError.advice}`,
    );
  }
}

/**
 * A request reached a handler of events (`@StreamHandler` or `@EventPattern`), which answers nobody. It
 * was not run. Whoever asked gets it as a `RemoteError`.
 */
export class NotARequestHandlerError extends StreamsError {
  static readonly code: string = 'NOT_A_REQUEST_HANDLER';
  static readonly advice: string = 'Emit instead of sending, or make it a @MessagePattern.';

  constructor(handler: string, eventType: string) {
    super(
      NotARequestHandlerError.code,
      `${handler} takes events and does not answer requests such as "${eventType}". ` +
        NotARequestHandlerError.advice,
    );
  }
}

/** An error that a service answered with: the name, code and message are those of the original. */
export class RemoteError extends Error {
  constructor(
    name: string,
    readonly code: string | number | undefined,
    message: string,
  ) {
    super(message);
    this.name = name;
  }
}
