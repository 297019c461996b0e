import { checked } from '../core/option-schema/kinds.js';
import { NONE, type Option, type Problems } from '../core/option-schema/option.js';
import { isRecord } from '../core/option-schema/shape.js';
import type { IdFormat } from '../ports/id-format.js';

/** The id of a message. */
export const messageId = (ids: IdFormat): Option<string> =>
  checked<string>(ids.expected, (given) => isId(ids, given));

/** Where a group begins or reads on: `0`, `$` or an id. */
export const streamPosition = (ids: IdFormat): Option<string> =>
  checked<string>(
    `'0', '$' or ${ids.expected}`,
    (given) => given === '0' || given === '$' || isId(ids, given),
  );

/** Where a page of pending entries begins: an id, or `(` and an id that is itself left out. */
export const pageStart = (ids: IdFormat): Option<string> =>
  checked<string>(`${ids.expected}, or next of a page`, (given) =>
    isId(ids, typeof given === 'string' ? given.replace(/^\(/, '') : given),
  );

/** Declares an option that is an id: its place, its type, its comment. Only a driver can check it. */
export const checkedByDriver = (): Option<string> => checked<string>('a text', () => true);

/** What is wrong with a `startId`, where the driver of the message source can be asked already. */
export function startIdProblems({ slots, startId }: Readonly<Record<string, unknown>>): Problems {
  const source = isRecord(slots) ? slots['messageSource'] : undefined;
  const ids = isRecord(source) ? (source['ids'] as IdFormat | undefined) : undefined;
  return ids ? streamPosition(ids).problems(startId, 'startId') : NONE;
}

const isId = (ids: IdFormat, given: unknown): boolean =>
  typeof given === 'string' && ids.accepts(given);
