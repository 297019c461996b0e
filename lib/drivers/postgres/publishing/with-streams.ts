import { sqlStateOf } from '../errors/typed-error.js';
import type { Streams } from '../streams/streams.js';

/** What functions of the schema raise for the number of a stream that does not exist. */
const UNKNOWN_STREAM = 'RSU01';

/** The server does not know the number of a stream. */
export const isStreamUnknown = (error: unknown): boolean =>
  sqlStateOf((error as Error).cause) === UNKNOWN_STREAM;

/**
 * Calls `work` with the numbers of streams. Where the server does not know a number any more, because
 * its tables were made anew, the streams are looked up again, and `work` is called once more.
 */
export async function withStreams<T>(
  streams: Streams,
  names: readonly string[],
  work: (numbers: number[]) => Promise<T>,
): Promise<T> {
  const numbers = await streams.idsOf(names);
  try {
    return await work(numbers);
  } catch (error) {
    if (!isStreamUnknown(error)) throw error;
    streams.forget(names);
    return work(await streams.idsOf(names));
  }
}
