import type { ErrorRecord } from './settlement.js';

/** Base of every error of this library. `code` is stable; `message` says what to do. */
export class StreamsError extends Error {
  constructor(
    readonly code: string,
    message: string,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
  }
}

/** Options that cannot work, all of them named at once. Thrown at construction. */
export class InvalidOptionsError extends StreamsError {
  constructor(readonly problems: readonly string[]) {
    super(
      'INVALID_OPTIONS',
      `These options cannot work:\n${problems.map((p) => `- ${p}`).join('\n')}`,
    );
  }
}

/**
 * Redis could not be reached, or the connection broke. `outcome` says whether the command may have
 * been carried out: after `not-sent` it is safe to try again, after `unknown` only with an
 * idempotency key, or where twice does no harm.
 */
export class RedisConnectionError extends StreamsError {
  /** @param remedy what to do, where more is known than that there was no connection */
  constructor(
    readonly outcome: 'not-sent' | 'unknown',
    action: string,
    cause?: unknown,
    remedy?: string,
    code = 'REDIS_CONNECTION',
  ) {
    const detail = cause instanceof Error ? `: ${cause.message.replace(/\.$/, '')}` : '';
    const advice =
      outcome === 'not-sent'
        ? (remedy ?? 'Nothing was sent; try again with backoff.')
        : 'It may have been carried out; try again only with an idempotency key, or where twice does no harm.';
    super(code, `No connection to Redis while ${action}${detail}. ${advice}`, cause);
  }
}

/**
 * TLS could not be agreed upon with the server: a certificate that one side does not trust, a name
 * that is not in it, or a port that does not speak TLS. Nothing was sent.
 */
export class TlsConnectionError extends RedisConnectionError {
  constructor(action: string, cause: unknown, remedy: string) {
    super('not-sent', action, cause, remedy, 'TLS_CONNECTION');
  }
}

/**
 * The message is stored, and fewer replicas than asked for have confirmed it in time: a failover may
 * lose it. It is not known to be lost.
 */
export class NotReplicatedError extends StreamsError {
  constructor(
    readonly stream: string,
    /** Id of the message in its stream. */
    readonly id: string,
    readonly wanted: number,
    readonly replicas: number,
    timeout: number,
  ) {
    super(
      'NOT_REPLICATED',
      `The message ${id} of "${stream}" is stored, but ${replicas} of ${wanted} replicas have confirmed it within ${timeout} ms. ` +
        'Publish it again only with an idempotency key; otherwise it may be there twice.',
    );
  }
}

/** The encoded payload has more bytes than `maxPayloadBytes`. */
export class PayloadTooLargeError extends StreamsError {
  constructor(
    readonly size: number,
    readonly limit: number,
    readonly eventType: string,
  ) {
    super(
      'PAYLOAD_TOO_LARGE',
      `The payload of "${eventType}" has ${size} bytes, the limit is ${limit}. ` +
        'Store it elsewhere and publish a reference, or raise maxPayloadBytes.',
    );
  }
}

/** The message cannot be published as it is: no event type, no usable key, or a payload that cannot be encoded. */
export class InvalidMessageError extends StreamsError {
  constructor(problem: string, cause?: unknown) {
    super('INVALID_MESSAGE', problem, cause);
  }
}

/** Of a batch, some messages could not be published. `results` has the id or the error of each. */
export class PublishBatchError extends StreamsError {
  /** The errors alone, in the order of the batch. */
  readonly errors: readonly Error[];

  constructor(readonly results: readonly (string | Error)[]) {
    const errors = results.filter((result) => result instanceof Error);
    const [first] = errors;
    super(
      'PUBLISH_BATCH',
      `${errors.length} of ${results.length} messages were not published, the first because: ` +
        `${first?.message} Publish again those whose entry in results is an error.`,
      first,
    );
    this.errors = errors;
  }
}

export class StreamNotFoundError extends StreamsError {
  constructor(readonly stream: string) {
    super(
      'STREAM_NOT_FOUND',
      `Stream "${stream}" does not exist. Publish to it first, or create its group with mkstream.`,
    );
  }
}

export class GroupNotFoundError extends StreamsError {
  constructor(
    readonly stream: string,
    readonly group: string,
  ) {
    super(
      'GROUP_NOT_FOUND',
      `Consumer group "${group}" does not exist on stream "${stream}". Create it first.`,
    );
  }
}

/** The key holds something that is not a stream. */
export class WrongKeyTypeError extends StreamsError {
  constructor(
    readonly key: string,
    cause?: unknown,
  ) {
    super(
      'WRONG_KEY_TYPE',
      `Key "${key}" does not hold a stream. Choose another stream name or keyPrefix, or remove the key.`,
      cause,
    );
  }
}

/** The server refused a write because it is at `maxmemory`. */
export class ServerOutOfMemoryError extends StreamsError {
  constructor(action: string, cause?: unknown) {
    super(
      'SERVER_OUT_OF_MEMORY',
      `Redis is out of memory and refused ${action}; nothing was written. ` +
        'Free memory, raise maxmemory, or trim streams that nobody needs.',
      cause,
    );
  }
}

/** What a user was refused: the command, `xgroup|create` for a subcommand, and the key, where known. */
export interface Refused {
  readonly command?: string | undefined;
  readonly key?: string | undefined;
}

/** The user of this connection lacks a right, or its login was refused. */
export class PermissionDeniedError extends StreamsError {
  /** The command that was refused, in small letters, `xgroup|create` for a subcommand; undefined where not known. */
  readonly command: string | undefined;
  /** The key that was asked for; undefined where not known. */
  readonly key: string | undefined;

  constructor(action: string, cause?: unknown, { command, key }: Refused = {}) {
    const detail = cause instanceof Error ? `: ${cause.message}` : '';
    const named = [command && `command "${command}"`, key && `key "${key}"`].filter(Boolean);
    const what = named.length > 0 ? ` (${named.join(' on ')})` : '';
    super(
      'PERMISSION_DENIED',
      `Redis refused ${action}${what}${detail}. Grant the right to this user with ACL SETUSER; ` +
        'redisAclRules() lists all that are needed.',
      cause,
    );
    this.command = command;
    this.key = key;
  }
}

/** The server answered an error that has no class of its own. */
export class ServerReplyError extends StreamsError {
  constructor(action: string, cause?: unknown) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    super('SERVER_REPLY', `The server refused ${action}: ${detail}`, cause);
  }
}

/** A handler throws it: no later run can succeed, dead-letter the message now. */
export class UnrecoverableError extends StreamsError {
  constructor(message = 'The message can never be handled', cause?: unknown) {
    super('UNRECOVERABLE', message, cause);
  }
}

/** A handler throws it: run again `delay` ms from now. Counts as a run. */
export class RetryLaterError extends StreamsError {
  constructor(
    readonly delay: number,
    message = `Asked to run again in ${delay} ms`,
    cause?: unknown,
  ) {
    super('RETRY_LATER', message, cause);
  }
}

/** A run took longer than the handler's `timeout`. */
export class HandlerTimeoutError extends StreamsError {
  constructor(handler: string, timeout: number) {
    super(
      'HANDLER_TIMEOUT',
      `${handler} took longer than its timeout of ${timeout} ms. ` +
        'Watch context.signal to stop early, or raise the timeout.',
    );
  }
}

/** Reason of `signal` when another consumer has the entry now. */
export class OwnershipLostError extends StreamsError {
  constructor(stream: string, id: string) {
    super(
      'OWNERSHIP_LOST',
      `Entry ${id} of "${stream}" belongs to another run now; what this one settles is not recorded. ` +
        'If this happens under normal load, raise idleTimeout.',
    );
  }
}

/** Reason of `signal` when the grace period of a shutdown has passed. */
export class ShutdownError extends StreamsError {
  constructor() {
    super('SHUTDOWN', 'The grace period has passed; the message is released to another consumer.');
  }
}

/** The codec could not read an entry. */
export class UndecodableError extends StreamsError {
  constructor(codec: string, cause?: unknown) {
    const detail = cause instanceof Error ? `: ${cause.message}` : '';
    super('UNDECODABLE', `Codec "${codec}" cannot read this entry${detail}`, cause);
  }
}

/** Two handlers of one group would take the same events. */
export class HandlerConflictError extends StreamsError {
  constructor(first: string, second: string, group: string, stream: string, event: string) {
    super(
      'HANDLER_CONFLICT',
      `${first} and ${second} both take "${event}" of stream "${stream}" in group "${group}". ` +
        'Give one of them another group (each group gets every message) or other events.',
    );
  }
}

/** A wildcard says nothing about the stream to read. */
export class WildcardWithoutStreamError extends StreamsError {
  constructor(handler: string, event: string) {
    super(
      'WILDCARD_WITHOUT_STREAM',
      `${handler} takes "${event}", which names no stream. ` +
        'Set the handler option stream, or add a route for these events.',
    );
  }
}

/** What was asked for needs something that the driver, or this version, does not have. */
export class UnsupportedFeatureError extends StreamsError {
  constructor(feature: string, technology: string, advice: string) {
    super('UNSUPPORTED_FEATURE', `${feature} is not available on ${technology}. ${advice}`);
  }
}

/** Something was used after it was closed. */
export class ClosedError extends StreamsError {
  constructor(what: string) {
    super('CLOSED', `${what} is closed. Create a new one, or publish before shutdown.`);
  }
}

/** A thrown value, whatever it is, as it is stored and reported. */
export function errorRecord(thrown: unknown): ErrorRecord {
  if (thrown instanceof Error) {
    return {
      name: thrown.name,
      message: thrown.message,
      ...(thrown.stack && { stack: thrown.stack }),
    };
  }
  if (typeof thrown === 'object' && thrown !== null) {
    const { name, message } = thrown as { name?: unknown; message?: unknown };
    if (typeof message === 'string') {
      return { name: typeof name === 'string' ? name : 'Error', message };
    }
    return { name: 'Error', message: safeJson(thrown) };
  }
  return { name: 'Error', message: String(thrown) };
}

function safeJson(value: object): string {
  try {
    return JSON.stringify(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
