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
export const isScriptMissing = (error: unknown): boolean => startsWith(error, 'NOSCRIPT');

/** Turns what ioredis rejects with into a typed error. `key` names the key that was asked for. */
export function typedError(error: unknown, action: string, key?: string): StreamsError {
  if (error instanceof StreamsError) return error;
  const cause = withoutArguments(error);
  if (!isReply(error))
    return new RedisConnectionError(wasSent(error) ? 'unknown' : 'not-sent', action, cause);
  const [word] = error.message.split(' ', 1);
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
