import { InvalidOptionsError } from '../../../core/errors/start-up.errors.js';
import { shown } from '../../../core/option-schema/wording.js';
import type { IdFormat } from '../../../ports/id-format.js';

const isId = (id: unknown): id is string =>
  typeof id === 'string' && /^(?:0|[1-9]\d{0,15})$/.test(id) && Number.isSafeInteger(Number(id));

/** The sequence of a message in its JetStream stream, as a decimal text. `0` is before all messages. */
export const SEQUENCE_IDS: IdFormat = Object.freeze({
  accepts: isId,
  compare: (a: string, b: string) => Number(a) - Number(b),
  expected: 'an id such as 12345',
});

/**
 * For the position at which a group begins.
 * @throws InvalidOptionsError
 */
export function refuseStartId(startId: string): void {
  if (startId === '$' || isId(startId)) return;
  throw new InvalidOptionsError([
    `startId must be '0', '$' or ${SEQUENCE_IDS.expected}, not ${shown(startId)}`,
  ]);
}
