import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';
import { shown } from '../../core/option-schema/wording.js';
import type { IdFormat } from '../../ports/id-format.js';
import { compareEntryIds, isEntryId } from './entry-id.js';

/** Milliseconds since the epoch and a sequence number. */
export const ENTRY_IDS: IdFormat = Object.freeze({
  accepts: isEntryId,
  compare: compareEntryIds,
  expected: 'an id such as 1700000000000-0',
});

/**
 * For the ids of dead letters.
 * @throws InvalidOptionsError naming every invalid id
 */
export function refuseLetterIds(ids: readonly string[] = []): void {
  const problems = ids.flatMap((id, at) =>
    isEntryId(id)
      ? []
      : [
          `ids[${at}] must be the deadLetterId of a dead letter ("1700000000000-0"), not ${shown(id)}`,
        ],
  );
  if (problems.length > 0) throw new InvalidOptionsError(problems);
}

/**
 * For the id behind which a page of dead letters begins.
 * @throws InvalidOptionsError
 */
export function refusePageStart(after: string | undefined): void {
  if (after === undefined || isEntryId(after)) return;
  throw new InvalidOptionsError([`after must be next of a page, not ${shown(after)}`]);
}

/**
 * For the position at which a group begins.
 * @throws InvalidOptionsError
 */
export function refuseStartId(startId: string): void {
  if (startId === '$' || isEntryId(startId)) return;
  throw new InvalidOptionsError([
    `startId must be '0', '$' or ${ENTRY_IDS.expected}, not ${shown(startId)}`,
  ]);
}
