import { types } from 'node:util';
import { StreamsError } from './streams.error.js';

/** One mistake in a file of configuration. Never has a value of the file. */
export interface ConfigProblem {
  /** The file, as it was given. */
  readonly file: string;
  /** From 1. Undefined: the mistake is the file itself. */
  readonly line: number | undefined;
  /** From 1. */
  readonly column: number | undefined;
  /** Names of keys: `slots.state_store.config.port`. Empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

/**
 * A file of configuration that cannot be used. `problems` names every mistake at once, with its place in the
 * file. Values of the file are never repeated: they may be passwords. Thrown by `loadConfig`. `cause` is what the
 * function or schema of a driver has thrown, other than an InvalidOptionsError. The message of the cause may have
 * values, and is not printed.
 */
export class InvalidConfigError extends StreamsError {
  static readonly code: string = 'INVALID_CONFIG';
  static readonly advice: string =
    'Correct each of these lines: docs/configuration.md has the keys.';

  /** @param cause error of the function or schema of a driver */
  constructor(
    readonly problems: readonly ConfigProblem[],
    cause?: unknown,
  ) {
    super(
      InvalidConfigError.code,
      `This configuration cannot work:\n${problems.map((problem) => `- ${lineOf(problem)}\n`).join('')}` +
        InvalidConfigError.advice,
      cause,
    );
    if (cause === undefined) return;
    this.stack = `${this.stack}\nCaused by: ${originOf(cause)}`;
    // Node prints a cause with its message, but reads no getter.
    Object.defineProperty(this, 'cause', { get: () => cause, configurable: true });
  }
}

/** `consumer.yaml:12:5 behavior.topic: must be …` */
function lineOf({ file, line, column, path, message }: ConfigProblem): string {
  const place = line === undefined ? file : `${file}:${line}:${column}`;
  return path === '' ? `${place} ${message}` : `${place} ${path}: ${message}`;
}

/** Where an error was thrown: its stack without its message, which may have values. */
function originOf(cause: unknown): string {
  if (!types.isNativeError(cause)) return 'what was thrown is no error';
  const { name, message, stack = '' } = cause;
  const frames = stack.slice(stack.indexOf(message) + message.length).split('\n');
  const places = frames.filter((line) => /^ +at /.test(line));
  return [/^\w*Error$/.test(name) ? name : 'Error', ...places].join('\n');
}
