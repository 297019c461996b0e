import { InvalidOptionsError } from '../../../core/errors/start-up.errors.js';
import { shown } from '../../../core/option-schema/wording.js';
import { MESSAGE_IDS } from './message-ids.js';

/**
 * For the ids of dead letters.
 * @throws InvalidOptionsError naming every invalid id
 */
export function refuseLetterIds(ids: readonly string[] = []): void {
  refuseIds(ids, isLetterId, 'the deadLetterId of a dead letter ("12345")');
}

/** Whether a text can be the id of a dead letter. */
export const isLetterId = (id: string): boolean => MESSAGE_IDS.accepts(id);

/**
 * For the id behind which a page begins.
 * @throws InvalidOptionsError
 */
export function refusePageStart(
  after: string | undefined,
  accepts: (id: string) => boolean = isLetterId,
): void {
  if (after === undefined || accepts(after)) return;
  throw new InvalidOptionsError([`after must be next of a page, not ${shown(after)}`]);
}

/** The parts of the id of an entry on hold. */
export interface HeldId {
  readonly message: string;
  readonly redrive: string;
  readonly group: string;
}

export const heldIdOf = ({ message, redrive, group }: HeldId): string =>
  `${message}.${redrive}:${group}`;

/** Undefined: this is the id of no entry on hold. */
export function partsOfHeldId(heldId: string): HeldId | undefined {
  const parts = /^(\d+)\.(\d+):(.*)$/s.exec(heldId);
  if (!parts) return undefined;
  const [, message = '', redrive = '', group = ''] = parts;
  return isLetterId(message) && isLetterId(redrive) ? { message, redrive, group } : undefined;
}

/**
 * For the ids of entries on hold.
 * @throws InvalidOptionsError naming every invalid id
 */
export function refuseHeldIds(ids: readonly string[] = []): void {
  refuseIds(ids, (id) => partsOfHeldId(id) !== undefined, 'the heldId of a message on hold');
}

function refuseIds(
  ids: readonly string[],
  accepts: (id: string) => boolean,
  expected: string,
): void {
  const problems = ids.flatMap((id, at) =>
    accepts(id) ? [] : [`ids[${at}] must be ${expected}, not ${shown(id)}`],
  );
  if (problems.length > 0) throw new InvalidOptionsError(problems);
}
