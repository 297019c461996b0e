import {
  PermissionDeniedError,
  RedisConnectionError,
  ServerOutOfMemoryError,
  ServerReplyError,
  StreamsError,
  WrongKeyTypeError,
} from '../../core/errors.js';

/** What the server answered instead of a result. Named as ioredis names its own. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
}

/** Whether the server itself answered this error, as opposed to a connection that broke. */
export function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

const startsWith = (error: unknown, word: string): boolean =>
  isReply(error) && error.message.startsWith(word);

/** The group, or the stream with it, is gone. A blocked reader is told so in other words. */
export const isGroupMissing = (error: unknown): boolean =>
  startsWith(error, 'NOGROUP') || startsWith(error, 'UNBLOCKED');

export const isWrongType = (error: unknown): boolean => startsWith(error, 'WRONGTYPE');
/** The server takes no writes (any more): a connection made now may lead to one that does. */
export const isDemoted = (error: unknown): boolean =>
  startsWith(error, 'READONLY') || startsWith(error, 'MASTERDOWN');
/** The server does not know an option: what is new to XADD it takes for the id, which then is no id. */
export const isOptionMissing = (error: unknown): boolean =>
  startsWith(error, 'ERR syntax error') || startsWith(error, 'ERR Invalid stream ID');
export const isScriptMissing = (error: unknown): boolean => startsWith(error, 'NOSCRIPT');

/** Turns what ioredis rejects with into a typed error. `key` names the key that was asked for. */
export function typedError(error: unknown, action: string, key?: string): StreamsError {
  if (error instanceof StreamsError) return error;
  const cause = withoutArguments(error);
  if (!isReply(error))
    return new RedisConnectionError(wasSent(error) ? 'unknown' : 'not-sent', action, cause);
  const [word] = isRefusedInScript(error) ? ['NOPERM'] : error.message.split(' ', 1);
  switch (word) {
    case 'OOM':
      return new ServerOutOfMemoryError(action, cause);
    case 'NOPERM':
    case 'NOAUTH':
    case 'WRONGPASS':
      return new PermissionDeniedError(action, cause);
    case 'WRONGTYPE':
      return new WrongKeyTypeError(key ?? action, cause);
    default:
      return new ServerReplyError(action, cause);
  }
}

/** Of what a script may not do servers speak in other words: Redis 7.0, and later ones. */
const isRefusedInScript = (error: unknown): boolean =>
  startsWith(error, "ERR The user executing the script can't") ||
  startsWith(error, 'ERR ACL failure in script');

/** ioredis keeps a command's arguments in its errors: payloads, and the password of AUTH. */
export function withoutArguments(error: unknown): unknown {
  if (error instanceof Error && 'command' in error) {
    const { name } = (error.command ?? {}) as { name?: string };
    Object.assign(error, { command: { name } });
  }
  return error;
}

function wasSent(error: unknown): boolean {
  return !(error instanceof Error && error.message.includes("Stream isn't writeable"));
}
