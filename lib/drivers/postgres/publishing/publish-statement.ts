import type { OutgoingEntry } from '../../../core/message.js';
import { windowOf } from '../publishing-once/keys.js';
import { keyText } from '../sql/key-text.js';
import { storedFields } from '../sql/stored-fields.js';

/** A statement that publishes. Its one row has the `ids`, in the order of the entries. */
export interface PublishStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * Publishes entries, each to its stream.
 * @param streams the number of the stream of each entry
 */
export function publishStatement(
  entries: readonly OutgoingEntry[],
  streams: readonly number[],
): PublishStatement {
  const fields = entries.map((entry) => storedFields(entry.fields));
  if (!entries.some(({ idempotency }) => idempotency)) {
    return { text: 'select {schema}.publish($1, $2) as ids', values: [streams, fields] };
  }
  const keys = entries.map(({ idempotency }) => (idempotency ? keyText(idempotency.key) : null));
  const windows = entries.map(({ idempotency }) =>
    idempotency ? windowOf(idempotency.window) : null,
  );
  return {
    text: 'select {schema}.publish($1, $2, $3, $4) as ids',
    values: [streams, fields, keys, windows],
  };
}
