import type { DelayedEntry } from '../../../ports/delays.js';
import { windowOf } from '../publishing-once/keys.js';
import { keyText } from '../sql/key-text.js';
import { storedFields } from '../sql/stored-fields.js';
import { dueColumns } from './due.js';

/** A statement that stores entries until they are due. Its one row has the `ids`, in their order. */
export interface ScheduleStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** @param streams the number of the stream of each entry */
export function scheduleStatement(
  entries: readonly DelayedEntry[],
  streams: readonly number[],
): ScheduleStatement {
  const { later, at } = dueColumns(entries);
  return {
    text: 'select {schema}.schedule($1, $2, $3, $4, $5, $6) as ids',
    values: [
      streams,
      entries.map(({ fields }) => storedFields(fields)),
      later,
      at,
      entries.map(({ idempotency }) => idempotency && keyText(idempotency.key)),
      entries.map(({ idempotency }) => idempotency && windowOf(idempotency.window)),
    ],
  };
}
