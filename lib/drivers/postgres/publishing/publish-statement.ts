import type { OutgoingEntry } from '../../../core/message.js';
import { windowOf } from '../publishing-once/keys.js';
import { keyText } from '../sql/key-text.js';
import { fromLines, linesOf, numberList } from '../sql/list-texts.js';
import { storedFields } from '../sql/stored-fields.js';

/** A statement that publishes. Its one row has the `ids`, in the order of the entries. */
export interface PublishStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

const PUBLISH = `select {schema}.publish($1, ${fromLines('$2')}) as ids`;
const PUBLISH_ONCE = `select {schema}.publish($1, ${fromLines('$2')}, $3, $4) as ids`;

/**
 * Publishes entries, each to its stream.
 * @param streams the number of the stream of each entry
 */
export function publishStatement(
  entries: readonly OutgoingEntry[],
  streams: readonly number[],
): PublishStatement {
  const written = [
    numberList(streams),
    linesOf(entries.map(({ fields }) => storedFields(fields))),
  ] as const;
  if (!entries.some(({ idempotency }) => idempotency)) return { text: PUBLISH, values: written };
  const keys = entries.map(({ idempotency }) => (idempotency ? keyText(idempotency.key) : null));
  const windows = entries.map(({ idempotency }) =>
    idempotency ? windowOf(idempotency.window) : null,
  );
  return { text: PUBLISH_ONCE, values: [...written, keys, windows] };
}
