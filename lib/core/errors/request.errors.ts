import { StreamsError } from './streams.error.js';

/**
 * No answer came within the time limit of a request. Has the `timeout` and the `eventType` of the request.
 * The `cause` is the refusal of a service, if there was one. The request may have been carried out.
 */
export class RequestTimeoutError extends StreamsError {
  static readonly code: string = 'REQUEST_TIMEOUT';
  static readonly advice: string =
    'Check that a service with this @MessagePattern runs and is not behind, or raise requestTimeout.';

  constructor(
    readonly eventType: string,
    readonly timeout: number,
    cause?: unknown,
  ) {
    super(
      RequestTimeoutError.code,
      `No answer to "${eventType}" came within ${timeout} ms; the request may have been carried out. ` +
        RequestTimeoutError.advice,
      cause,
    );
  }
}

/**
 * Some of the values that answer a request were lost: the connection of the service broke, or more values
 * came at once than the server keeps.
 */
export class AnswerLostError extends StreamsError {
  static readonly code: string = 'ANSWER_LOST';
  static readonly advice: string = 'Send the request again, or ask for fewer values at a time.';

  constructor(eventType: string) {
    super(
      AnswerLostError.code,
      `Some of the values that answer "${eventType}" were lost: the connection of the service broke, ` +
        `or more values came at once than the server keeps. ${AnswerLostError.advice}`,
    );
  }
}

/**
 * A request reached a handler of events (`@StreamHandler` or `@EventPattern`), which sends no answers. The
 * handler was not run. The caller gets this error as a `RemoteError`.
 */
export class NotARequestHandlerError extends StreamsError {
  static readonly code: string = 'NOT_A_REQUEST_HANDLER';
  static readonly advice: string =
    'Call emit instead of send, or make the method a @MessagePattern.';

  constructor(handler: string, eventType: string) {
    super(
      NotARequestHandlerError.code,
      `${handler} handles events and does not answer requests such as "${eventType}". ` +
        NotARequestHandlerError.advice,
    );
  }
}

/** The error with which a service answered. It has the name, code and message of the original error. */
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
