import { messageOf } from './error-record.js';
import { StreamsError } from './streams.error.js';

/**
 * A handler throws this error if no later run can succeed. The message is dead-lettered at once with the
 * reason `unrecoverable`.
 */
export class UnrecoverableError extends StreamsError {
  /** `UNRECOVERABLE`. */
  static readonly code: string = 'UNRECOVERABLE';
  static readonly advice: string =
    'Read the dead letter. Redrive it once the cause is fixed, or purge it.';

  constructor(
    message = `The message can never be handled. ${UnrecoverableError.advice}`,
    cause?: unknown,
  ) {
    super(new.target.code, message, cause);
  }
}

/**
 * `next`, `fanOut` or `new WorkflowInstruction` was given a step that can never be published. If the
 * handler throws this error, the message is dead-lettered at once with the reason `unrecoverable`.
 */
export class InvalidInstructionError extends UnrecoverableError {
  static override readonly code: string = 'INVALID_INSTRUCTION';
  static override readonly advice: string =
    'Correct what the handler returns, then redrive the dead letter.';

  constructor(problem: string) {
    super(`${problem.replace(/\.$/, '')}. ${InvalidInstructionError.advice}`);
  }
}

/**
 * A handler throws this error to run again `delay` ms from now. The failed run counts. A pipe may throw it
 * too: the message is then run again, and not dead-lettered as `rejected`.
 */
export class RetryLaterError extends StreamsError {
  /** `RETRY_LATER`. */
  static readonly code: string = 'RETRY_LATER';
  static readonly advice: string =
    'You need to do nothing: the message is run again, up to maxDeliveries runs.';

  constructor(
    /** Wait before the next run, in milliseconds. */
    readonly delay: number,
    message = `The handler asked to run again in ${delay} ms. ${RetryLaterError.advice}`,
    cause?: unknown,
  ) {
    super(RetryLaterError.code, message, cause);
  }
}

/**
 * A run took longer than the handler's `timeout`. This is the error of the failed run, and the reason of
 * `signal`.
 */
export class HandlerTimeoutError extends StreamsError {
  static readonly code: string = 'HANDLER_TIMEOUT';
  static readonly advice: string = 'Watch context.signal to stop early, or raise the timeout.';

  constructor(handler: string, timeout: number) {
    super(
      HandlerTimeoutError.code,
      `${handler} took longer than its timeout of ${timeout} ms. ${HandlerTimeoutError.advice}`,
    );
  }
}

/**
 * The reason of `signal`: another run owns the entry now. The settlement of this run is not recorded.
 */
export class OwnershipLostError extends StreamsError {
  static readonly code: string = 'OWNERSHIP_LOST';
  static readonly advice: string =
    'Stop the work. If this happens under normal load, raise idleTimeout.';

  constructor(stream: string, id: string) {
    super(
      OwnershipLostError.code,
      `Entry ${id} of "${stream}" belongs to another run now; the settlement of this run is not recorded. ` +
        OwnershipLostError.advice,
    );
  }
}

/** The reason of `signal`: the grace period of a shutdown has passed, and the message is released. */
export class ShutdownError extends StreamsError {
  static readonly code: string = 'SHUTDOWN';
  static readonly advice: string =
    'Stop the work. If it needs more time at a shutdown, raise gracePeriod.';

  constructor() {
    super(
      ShutdownError.code,
      `The grace period has passed; the message is released to another consumer. ${ShutdownError.advice}`,
    );
  }
}

/**
 * The codec could not read an entry, or the entry has bytes that are no UTF-8. Stored as the error of a
 * dead letter with the reason `undecodable`. `cause` is what the codec threw.
 */
export class UndecodableError extends StreamsError {
  static readonly code: string = 'UNDECODABLE';
  static readonly advice: string =
    'Read the raw fields of the dead letter and find the program that wrote them, or set the codec that can read them.';

  constructor(codec: string, cause?: unknown) {
    const detail = cause === undefined ? '' : `: ${unquoted(messageOf(cause)).replace(/\.$/, '')}`;
    super(
      UndecodableError.code,
      `Codec "${codec}" cannot read this entry${detail}. ${UndecodableError.advice}`,
      cause,
    );
  }
}

/** Node quotes the text that it cannot parse, and that text is a payload. */
const unquoted = (message: string): string =>
  message
    .replace(/,? ?(?:\.{3})?"[^]*"(?:\.{3})? is not valid JSON$/, ' in text that is not JSON')
    .trim();

/**
 * The function `filter` of a handler or consumer returned a value that is neither true nor false. The
 * run has failed: the message runs again, and becomes a dead letter after `maxDeliveries` runs.
 */
export class InvalidFilterResultError extends StreamsError {
  static readonly code: string = 'INVALID_FILTER_RESULT';
  static readonly advice: string =
    'Let the function return true to run the message, or false to acknowledge it without a run. It must not be async.';

  constructor(handler: string, result: unknown) {
    super(
      InvalidFilterResultError.code,
      `The function filter of ${handler} must return true or false, not ${kindOf(result)}. ` +
        InvalidFilterResultError.advice,
    );
  }
}

const kindOf = (value: unknown): string => {
  if (value === null || value === undefined) return `${value}`;
  return value instanceof Promise ? 'a promise' : `a value of type ${typeof value}`;
};

/**
 * The function `key` of the handler option `dedupe` or `inbox` returned a value that cannot be a key.
 * Stored as the error of a dead letter with the reason `unrecoverable`.
 */
export class InvalidMessageKeyError extends StreamsError {
  static readonly code: string = 'INVALID_MESSAGE_KEY';
  static readonly advice: string =
    'Let the function return such a text, or undefined for a message that may be handled twice. Then redrive the dead letter.';

  constructor(handler: string, key: unknown, longest: number) {
    super(
      InvalidMessageKeyError.code,
      `The function key of ${handler} must return a text of 1 to ${longest} characters, not ` +
        `${typeof key === 'string' ? `one of ${key.length}` : `a value of type ${typeof key}`}. ` +
        InvalidMessageKeyError.advice,
    );
  }
}
