import { InvalidOptionsError } from '../../../core/errors/start-up.errors.js';
import { shown } from '../../../core/option-schema/wording.js';
import { messageId, placeOf } from '../ids/message-ids.js';
import { LETTERS } from './letter-record.js';

/** The id of a dead letter: `<partition>-<offset>` in the topic of dead letters. */
export const letterId = (offset: number): string => messageId(LETTERS, offset);

/** Undefined: the text is no id of a dead letter. */
export function offsetOf(id: string): number | undefined {
  const place = placeOf(id);
  return place?.partition === LETTERS ? place.offset : undefined;
}

/**
 * The offsets of dead letters, ascending, each once.
 * @throws InvalidOptionsError naming every invalid id
 */
export function offsetsOf(ids: readonly string[]): number[] {
  const offsets = ids.map(offsetOf);
  const problems = ids.flatMap((id, at) =>
    offsets[at] === undefined
      ? [`ids[${at}] must be the deadLetterId of a dead letter ("0-12345"), not ${shown(id)}`]
      : [],
  );
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  return [...new Set(offsets as number[])].sort((a, b) => a - b);
}

/**
 * The offset at which a page of dead letters begins.
 * @throws InvalidOptionsError
 */
export function pageStart(after: string | undefined): number {
  if (after === undefined) return 0;
  const offset = offsetOf(after);
  if (offset !== undefined) return offset + 1;
  throw new InvalidOptionsError([`after must be next of a page, not ${shown(after)}`]);
}
