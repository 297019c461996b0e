import { ServerReplyError } from '../../../core/errors/server.errors.js';

/** What JetStream answers in place of a result. */
export interface ApiError {
  /** As of HTTP: 404 for what does not exist. */
  readonly code: number;
  /** Says exactly which error it is. */
  readonly err_code: number;
  readonly description: string;
}

/** Values of `errCode` that the driver knows. */
export const API_ERRORS = Object.freeze({
  consumerNotFound: 10014,
  noMessageFound: 10037,
  notEnabledForAccount: 10039,
  temporarilyUnavailable: 10008,
  notEnabled: 10076,
  streamNameInUse: 10058,
  streamNotFound: 10059,
  subjectsOverlap: 10065,
  wrongLastSequence: 10071,
});

/** The message, or its headers, are larger than the stream or the server takes. */
const TOO_LARGE: ReadonlySet<number> = new Set([10_054, 10_097]);

/**
 * A `ServerReplyError` with what JetStream says of the error. For this driver: `errCode` is one of
 * {@link API_ERRORS}, or one of many others.
 */
export class NatsReplyError extends ServerReplyError {
  /** The server's own words, without a full stop. */
  readonly reply: string;
  readonly errCode: number;
  /** As of HTTP: 404 for what does not exist. */
  readonly status: number;

  constructor(action: string, { code, err_code, description }: ApiError) {
    super(action, new Error(description));
    this.reply = description.replace(/\.$/, '');
    this.errCode = err_code;
    this.status = code;
  }

  override get permanent(): boolean {
    return TOO_LARGE.has(this.errCode);
  }
}

/** Whether JetStream has answered with this error. */
export const isReply = (error: unknown, errCode: number): error is NatsReplyError =>
  error instanceof NatsReplyError && error.errCode === errCode;
