import type { ReadHeaders } from '../connection/kafka-client.js';

/**
 * The bytes of a header. Of several with one name the last counts, as for programs in Java. Null: it has
 * none. The client puts what is no value beside the value of a header that is called `constructor`.
 */
export function lastValue(value: ReadHeaders[string] | undefined): Buffer | null {
  const last: unknown = Array.isArray(value) ? value.at(-1) : value;
  return Buffer.isBuffer(last) ? last : null;
}
