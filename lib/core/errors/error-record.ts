import { reasonsOf } from './reasons.js';
import { bounded, read, textOf } from './text-of.js';

/** A thrown value as it is stored and reported. */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /**
   * Stable code of an error of this library, such as `HANDLER_TIMEOUT`, or code of Node or of a server,
   * such as `ECONNREFUSED`. Undefined: the error has none, or was stored, as that of a dead letter.
   */
  readonly code?: string;
}

/** Codes of this library, of Node and of servers, and SQLSTATEs. What looks different may be anything. */
const CODE = /^(?:[A-Z][A-Z0-9_]{0,63}|[0-9][A-Z0-9]{4})$/;

/** Longest name of an error, in bytes. */
const LONGEST_NAME = 256;
/** Longest message, and longest stack, in bytes. */
const LONGEST_TEXT = 16_384;

/**
 * Any thrown value, as it is stored and reported: texts, and no longer than this says.
 * Never throws: getters of a thrown value may, and its properties may be anything.
 */
export function errorRecord(thrown: unknown): ErrorRecord {
  const code = codeOf(thrown);
  return { ...storedError(thrown), ...(code !== undefined && { code }) };
}

/** The same without its code, which no server stores. */
export function storedError(thrown: unknown): ErrorRecord {
  if (typeof thrown !== 'object' || thrown === null) return recordOf('Error', textOf(thrown));
  const name = read(thrown, 'name');
  const message = read(thrown, 'message');
  const stack = read(thrown, 'stack');
  const known = name === undefined || name === '' ? 'Error' : textOf(name);
  const said = message === undefined && !isError(thrown) ? textOf(thrown) : textOf(message ?? '');
  return recordOf(known, withReasons(said, thrown), stack);
}

/** The message of a thrown value. */
export const messageOf = (thrown: unknown): string => storedError(thrown).message;

/** The thrown value where it is an Error that can be read, else an Error that says the same. */
export function asError(thrown: unknown): Error {
  if (isError(thrown) && typeof read(thrown, 'message') === 'string') return thrown;
  const { name, message } = storedError(thrown);
  return Object.assign(new Error(message), { name });
}

/** The code of an error. Undefined: it has none, or none that looks like a code. Never throws. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  const code = read(thrown, 'code');
  return typeof code === 'string' && CODE.test(code) ? code : undefined;
}

function recordOf(name: string, message: string, stack?: unknown): ErrorRecord {
  return {
    name: bounded(name, LONGEST_NAME),
    message: bounded(message, LONGEST_TEXT),
    ...(typeof stack === 'string' && stack !== '' && { stack: bounded(stack, LONGEST_TEXT) }),
  };
}

function withReasons(message: string, thrown: object): string {
  const reasons = reasonsOf(thrown).filter((reason) => !message.includes(reason));
  return reasons.length === 0 ? message : `${message}: ${reasons.join('; ')}`;
}

/** Even the question may throw. */
function isError(thrown: unknown): thrown is Error {
  try {
    return thrown instanceof Error;
  } catch {
    return false;
  }
}
