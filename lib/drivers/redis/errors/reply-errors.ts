import {
  PermissionDeniedError,
  ServerOutOfMemoryError,
  ServerReplyError,
  WrongKeyTypeError,
  type Refused,
} from '../../../core/errors/server.errors.js';
import { StreamsError } from '../../../core/errors/streams.error.js';
import { connectionError } from './connection-errors.js';

/** An error reply of the server. It has the name of ioredis's own. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
}

/** Whether the server replied with this error, as opposed to a connection that broke. */
export function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

const REPEATED = /, with args beginning with:.*/s;

const startsWith = (error: unknown, word: string): boolean =>
  isReply(error) && error.message.startsWith(word);

/** The group, or its stream, is gone. A blocked reader gets this in other words. */
export const isGroupMissing = (error: unknown): boolean =>
  startsWith(error, 'NOGROUP') || startsWith(error, 'UNBLOCKED');

export const isWrongType = (error: unknown): boolean => startsWith(error, 'WRONGTYPE');
/** XINFO's error for a missing stream. A missing group, or an unknown one of both, is NOGROUP. */
export const isKeyMissing = (error: unknown): boolean => startsWith(error, 'ERR no such key');
/** The server takes no writes any more. A new connection may lead to one that does. */
export const isDemoted = (error: unknown): boolean =>
  startsWith(error, 'READONLY') ||
  startsWith(error, 'MASTERDOWN') ||
  startsWith(error, 'NOREPLICAS');
/**
 * The server does not know an option. It takes a new option of XADD for an id, which is then
 * invalid.
 */
export const isOptionMissing = (error: unknown): boolean =>
  startsWith(error, 'ERR syntax error') || startsWith(error, 'ERR Invalid stream ID');
/** The user lacks the permission, at least for this key. */
export const isRefused = (error: unknown): boolean => startsWith(error, 'NOPERM');
/** The same for a command inside a script, as older servers word it. */
export const isRefusedInScript = (error: unknown): boolean =>
  startsWith(error, 'ERR The user executing the script') ||
  startsWith(error, 'ERR ACL failure in script');
export const isScriptMissing = (error: unknown): boolean => startsWith(error, 'NOSCRIPT');

/**
 * Makes a typed error of a rejection of ioredis.
 * @param key the key of the command
 * @param command the command, where the error itself does not name it
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

/** Scripts of this library name the key and the type that it should have. */
function wrongType(cause: Error, key: string): WrongKeyTypeError {
  const [, named = key, wanted = 'stream'] =
    /^WRONGTYPE key (.+) holds a \w+, not a (\w+)/.exec(cause.message) ?? [];
  return new WrongKeyTypeError(named, cause, wanted === 'zset' ? 'sorted set' : wanted);
}

/** What the server, or a script of this library, says about a refused command. */
function refused(error: Error, key?: string, sent?: string): Refused {
  const [, named] = /'([^']+)' command/.exec(error.message) ?? [];
  const { command, keys = [key] } = error as { command?: { name?: string }; keys?: string[] };
  return {
    command: named ?? sent ?? command?.name,
    key: keys.length === 1 ? keys[0] : undefined,
  };
}

/**
 * Removes the arguments of commands from errors: payloads, and the password of AUTH. ioredis keeps
 * them, and a server repeats them for an unknown command.
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
