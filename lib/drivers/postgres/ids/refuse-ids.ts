import { InvalidOptionsError } from '../../../core/errors/start-up.errors.js';
import { shown } from '../../../core/option-schema/wording.js';
import { MESSAGE_IDS } from './message-ids.js';

/**
 * For the position at which a group begins.
 * @throws InvalidOptionsError
 */
export function refuseStartId(startId: string): void {
  if (startId === '$' || MESSAGE_IDS.accepts(startId)) return;
  throw new InvalidOptionsError([
    `startId must be '0', '$' or ${MESSAGE_IDS.expected}, not ${shown(startId)}`,
  ]);
}
