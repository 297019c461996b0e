import {
  PermissionDeniedError,
  ServerOutOfMemoryError,
  ServerReplyError,
  WrongKeyTypeError,
  type Refused,
} from '../../../core/errors/server.errors.js';
import { StreamsError } from '../../../core/errors/streams.error.js';
import { connectionError } from './connection-errors.js';

/** An error that the server answered. It has the name that ioredis gives its own. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
}

/** Whether the server itself answered this error. A broken connection is no such error. */
export function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

const REPEATED = /, with args beginning with:.*/s;

const startsWith = (error: unknown, word: string): boolean =>
  isReply(error) && error.message.startsWith(word);

/** Whether the group, or the stream with it, is gone. A blocked reader gets another text for it. */
export const isGroupMissing = (error: unknown): boolean =>
  startsWith(error, 'NOGROUP') || startsWith(error, 'UNBLOCKED');

export const isWrongType = (error: unknown): boolean => startsWith(error, 'WRONGTYPE');
/**
 * XINFO answers this for a missing stream. For a missing group, or where either may be missing, the
 * answer is NOGROUP.
 */
export const isKeyMissing = (error: unknown): boolean => startsWith(error, 'ERR no such key');
/** The server takes no writes (any more). A new connection may lead to one that does. */
export const isDemoted = (error: unknown): boolean =>
  startsWith(error, 'READONLY') ||
  startsWith(error, 'MASTERDOWN') ||
  startsWith(error, 'NOREPLICAS');
/**
 * The server does not know an option. XADD takes a new option for the id, and refuses it as an id.
 */
export const isOptionMissing = (error: unknown): boolean =>
  startsWith(error, 'ERR syntax error') || startsWith(error, 'ERR Invalid stream ID');
/** The user may not run the command, at least not with this key. */
export const isRefused = (error: unknown): boolean => startsWith(error, 'NOPERM');
/** The same for a command inside a script, in the words of older servers. */
export const isRefusedInScript = (error: unknown): boolean =>
  startsWith(error, 'ERR The user executing the script') ||
  startsWith(error, 'ERR ACL failure in script');
export const isScriptMissing = (error: unknown): boolean => startsWith(error, 'NOSCRIPT');

/**
 * Turns an error of ioredis into a typed error.
 * @param key the key of the command
 * @param command the command that was sent, where the error does not name it
 */
export function typedError(
  error: unknown,
  action: string,
  key?: string,
  command?: string,
): StreamsError {
  if (error instanceof StreamsError) return error;
  const cause = withoutArguments(error);
  if (!isReply(error))
    return connectionError(wasSent(error) ? 'unknown' : 'not-sent', action, cause);
  const [word] = isRefusedInScript(error) ? ['NOPERM'] : error.message.split(' ', 1);
  switch (word) {
    case 'OOM':
      return new ServerOutOfMemoryError(action, cause);
    case 'NOPERM':
    case 'NOAUTH':
    case 'WRONGPASS':
      return new PermissionDeniedError(action, cause, refused(error, key, command));
    case 'WRONGTYPE':
      return wrongType(error, key ?? action);
    default:
      return new ServerReplyError(action, cause);
  }
}

/** Scripts of this library name the key, and the type that it should have. */
function wrongType(cause: Error, key: string): WrongKeyTypeError {
  const [, named = key, wanted = 'stream'] =
    /^WRONGTYPE key (.+) holds a \w+, not a (\w+)/.exec(cause.message) ?? [];
  return new WrongKeyTypeError(named, cause, wanted === 'zset' ? 'sorted set' : wanted);
}

const GRANT =
  'Grant the right to this user by ACL SETUSER; redisAclRules() lists all rights that the library needs.';

/** What the server, or a script of this library, says about what it refused. */
function refused(error: Error, key?: string, sent?: string): Refused {
  const [, named] = /'([^']+)' command/.exec(error.message) ?? [];
  const { command, keys = [key] } = error as { command?: { name?: string }; keys?: string[] };
  return {
    command: named ?? sent ?? command?.name,
    key: keys.length === 1 ? keys[0] : undefined,
    advice: GRANT,
  };
}

/**
 * ioredis keeps a command's arguments in its errors: payloads, and the password of AUTH. A server
 * also repeats the arguments of a command that it does not know.
 */
export function withoutArguments(error: unknown): unknown {
  if (error instanceof Error && REPEATED.test(error.message)) {
    const { message, stack } = error;
    error.message = message.replace(REPEATED, '');
    error.stack = stack?.replace(message, error.message) ?? '';
  }
  if (error instanceof Error && 'command' in error) {
    const { name } = (error.command ?? {}) as { name?: string };
    Object.assign(error, { command: { name } });
  }
  return error;
}

function wasSent(error: unknown): boolean {
  return !(error instanceof Error && error.message.includes("Stream isn't writeable"));
}
