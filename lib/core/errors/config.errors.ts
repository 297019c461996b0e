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
 * file. Values of the file are never repeated: they may be passwords. Thrown by `loadConfig`.
 */
export class InvalidConfigError extends StreamsError {
  static readonly code: string = 'INVALID_CONFIG';
  static readonly advice: string =
    'Correct each of these lines: docs/configuration.md has the keys.';

  constructor(readonly problems: readonly ConfigProblem[]) {
    super(
      InvalidConfigError.code,
      `This configuration cannot work:\n${problems.map((problem) => `- ${lineOf(problem)}\n`).join('')}` +
        InvalidConfigError.advice,
    );
  }
}

/** `consumer.yaml:12:5 behavior.topic: must be …` */
function lineOf({ file, line, column, path, message }: ConfigProblem): string {
  const place = line === undefined ? file : `${file}:${line}:${column}`;
  return path === '' ? `${place} ${message}` : `${place} ${path}: ${message}`;
}
