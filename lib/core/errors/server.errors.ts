import { messageOf } from './error-record.js';
import { StreamsError } from './streams.error.js';

/**
 * The key does not hold a stream, or not the type that the library keeps there. While the application runs,
 * such a stream is left out and `stream-unreadable` is raised instead.
 */
export class WrongKeyTypeError extends StreamsError {
  static readonly code: string = 'WRONG_KEY_TYPE';
  static readonly advice: string = 'Choose another stream name or keyPrefix, or remove the key.';

  constructor(
    readonly key: string,
    cause?: unknown,
    wanted = 'stream',
  ) {
    super(
      WrongKeyTypeError.code,
      `Key "${key}" does not hold a ${wanted}. ${WrongKeyTypeError.advice}`,
      cause,
    );
  }
}

/** The server refused a write because it is at `maxmemory`. Nothing was written. */
export class ServerOutOfMemoryError extends StreamsError {
  static readonly code: string = 'SERVER_OUT_OF_MEMORY';
  static readonly advice: string =
    'Free memory, raise maxmemory, or trim streams whose messages you no longer need.';

  constructor(action: string, cause?: unknown) {
    super(
      ServerOutOfMemoryError.code,
      `The server is out of memory and refused ${action}; nothing was written. ` +
        ServerOutOfMemoryError.advice,
      cause,
    );
  }
}

/** What the server refused: the command (`xgroup|create` for a subcommand) and the key, if known. */
export interface Refused {
  readonly command?: string | undefined;
  readonly key?: string | undefined;
  /** What to do on this server. @default what to do on each of them */
  readonly advice?: string;
}

/**
 * The user of this connection lacks a right, or the server refused the login. `command` and `key` name
 * what was refused, if known.
 */
export class PermissionDeniedError extends StreamsError {
  static readonly code: string = 'PERMISSION_DENIED';
  static readonly advice: string =
    'Grant the right to this user. On Redis use ACL SETUSER; redisAclRules() lists all rights that the library needs. On PostgreSQL run the statements of grantsSql() as the owner of the schema, and call migrate() with a role that may make it.';

  /** The refused command in lower case, `xgroup|create` for a subcommand. `undefined` if not known. */
  readonly command: string | undefined;
  /** The key of the refused command. `undefined` if not known. */
  readonly key: string | undefined;

  constructor(action: string, cause?: unknown, refused: Refused = {}) {
    const { command, key, advice = PermissionDeniedError.advice } = refused;
    const detail = cause === undefined ? '' : `: ${messageOf(cause)}`;
    const isNamed = key !== undefined && detail.includes(key);
    const named = [command && `command "${command}"`, key && !isNamed && `key "${key}"`].filter(
      Boolean,
    );
    const what = named.length > 0 ? ` (${named.join(' on ')})` : '';
    super(
      PermissionDeniedError.code,
      `The server refused ${action}${what}${detail}. ${advice}`,
      cause,
    );
    this.command = command;
    this.key = key;
  }
}

/** The server replied with an error that has no class of its own. The message has the server's words. */
export class ServerReplyError extends StreamsError {
  static readonly code: string = 'SERVER_REPLY';
  static readonly advice: string = "Do what the server's words say, then try again.";

  constructor(action: string, cause?: unknown) {
    const detail = messageOf(cause).replace(/\.$/, '');
    super(
      ServerReplyError.code,
      `The server refused ${action}: ${detail}. ${ServerReplyError.advice}`,
      cause,
    );
  }
}

const LIMIT = 'client-output-buffer-limit';

/** What is known of the server's limit, as a sentence. */
function limitOf(limit: number | undefined): string {
  return limit === undefined
    ? `The server's ${LIMIT} for normal clients may be lower than that.`
    : `The server's ${LIMIT} for normal clients is ${limit} bytes.`;
}

/**
 * A reply with messages broke the connection before the reply was complete. The messages stay pending, no
 * run of them is counted, and the next read asks for less. Reported by the event `reply-broken`.
 */
export class ReplyBrokenError extends StreamsError {
  static readonly code: string = 'REPLY_BROKEN';
  static readonly advice: string = `Raise ${LIMIT} for normal clients on the server, or publish smaller messages. If neither helps, look for a network that cuts connections.`;

  constructor(
    readonly group: string,
    readonly streams: readonly string[],
    readonly entries: number,
    readonly limit: number | undefined,
    cause?: unknown,
  ) {
    const named = streams.slice(0, 3).join('", "') + (streams.length > 3 ? '", …' : '"');
    super(
      ReplyBrokenError.code,
      `The reply to a read of up to ${entries} messages of "${named} for group "${group}" broke the connection. ` +
        `${limitOf(limit)} ${ReplyBrokenError.advice}`,
      cause,
    );
  }
}

/**
 * A single message is larger than the server's limit of a reply. It stays pending, uncounted, and is
 * tried again every five minutes. Reported by the event `entry-too-large`.
 */
export class EntryTooLargeError extends StreamsError {
  static readonly code: string = 'ENTRY_TOO_LARGE';
  static readonly advice: string = `Raise ${LIMIT} for normal clients on the server above the size of the message, or acknowledge and delete the message.`;
  /** Size of the message in bytes, if the server reports it. */
  readonly bytes: number | undefined;

  constructor(
    readonly stream: string,
    readonly group: string,
    readonly id: string,
    { bytes, limit }: { readonly bytes: number | undefined; readonly limit: number | undefined },
  ) {
    const size = bytes === undefined ? '' : ` of ${bytes} bytes`;
    super(
      EntryTooLargeError.code,
      `Message ${id}${size} of stream "${stream}" breaks each connection that asks for it, so it stays pending to group "${group}". ` +
        `${limitOf(limit)} ${EntryTooLargeError.advice}`,
    );
    this.bytes = bytes;
  }
}
