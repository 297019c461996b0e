import { InvalidOptionsError } from '../../../core/errors/start-up.errors.js';
import { shown } from '../../../core/option-schema/wording.js';
import { SEQUENCE_IDS } from '../ids/message-ids.js';

/**
 * For the ids of dead letters.
 * @throws InvalidOptionsError naming every invalid id
 */
export function refuseLetterIds(ids: readonly string[] = []): void {
  const problems = ids.flatMap((id, at) =>
    SEQUENCE_IDS.accepts(id)
      ? []
      : [`ids[${at}] must be the deadLetterId of a dead letter ("12345"), not ${shown(id)}`],
  );
  if (problems.length > 0) throw new InvalidOptionsError(problems);
}

/**
 * For the id behind which a page of dead letters begins.
 * @throws InvalidOptionsError
 */
export function refusePageStart(after: string | undefined): void {
  if (after === undefined || SEQUENCE_IDS.accepts(after)) return;
  throw new InvalidOptionsError([`after must be next of a page, not ${shown(after)}`]);
}
