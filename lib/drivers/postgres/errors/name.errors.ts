import { StreamsError } from '../../../core/errors/streams.error.js';

/** So much of a long name is shown, in characters. */
const SHOWN = 60;

/**
 * The name of a stream, a group or a consumer is too long for the indexes of PostgreSQL. A stream's
 * name counts with the key prefix. Nothing was done for it; other entries of a batch are published.
 * Has `kind`, `bytes` and `limit`.
 */
export class NameTooLongError extends StreamsError {
  static readonly code: string = 'NAME_TOO_LONG';
  static readonly advice: string =
    'Use a shorter name, such as its beginning and a hash of the whole.';

  constructor(
    readonly kind: 'stream' | 'group' | 'consumer',
    name: string,
    /** The length of the name as it would be stored, in bytes of UTF-8. */
    readonly bytes: number,
    readonly limit: number,
  ) {
    super(
      NameTooLongError.code,
      `The name of the ${kind} "${name.slice(0, SHOWN)}…" has ${bytes} bytes${
        kind === 'stream' ? ' with the key prefix' : ''
      }, and the limit is ${limit}. ${NameTooLongError.advice}`,
    );
  }

  override get permanent(): boolean {
    return true;
  }
}
