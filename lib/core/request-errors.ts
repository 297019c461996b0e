import { StreamsError } from './errors.js';

/** No answer came within the time limit of a request. */
export class RequestTimeoutError extends StreamsError {
  constructor(
    readonly eventType: string,
    readonly timeout: number,
    cause?: unknown,
  ) {
    super(
      'REQUEST_TIMEOUT',
      `No answer to "${eventType}" came within ${timeout} ms. Is a service with ` +
        `@MessagePattern('${eventType}') running, and fast enough? It may have been carried out.`,
      cause,
    );
  }
}

/** Some of the values that answer a request are missing. */
export class AnswerLostError extends StreamsError {
  constructor(eventType: string) {
    super(
      'ANSWER_LOST',
      `Some of the values that answer "${eventType}" were lost: the connection of the service broke, ` +
        'or more came at once than are kept. Ask again, or for fewer values at a time.',
    );
  }
}

/** A request reached a handler of events, which answers nobody. It was not run. */
export class NotARequestHandlerError extends StreamsError {
  constructor(handler: string, eventType: string) {
    super(
      'NOT_A_REQUEST_HANDLER',
      `${handler} takes events and does not answer requests: emit "${eventType}" instead of sending ` +
        'it, or make it a @MessagePattern.',
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
