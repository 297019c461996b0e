import { randomInt } from 'node:crypto';
import { systemClock } from '../../../core/clock.js';
import { InvalidOptionsError } from '../../../core/errors/start-up.errors.js';
import { shown } from '../../../core/option-schema/wording.js';
import type { IdFormat } from '../../../ports/id-format.js';

/** Digits of the time in an id, in microseconds since the epoch. */
const TIME_DIGITS = 16;
/** Digits that tell processes apart which publish in the same microsecond. */
const PROCESS_DIGITS = 9;

const ID = new RegExp(`^[1-9]\\d{${TIME_DIGITS + PROCESS_DIGITS - 1}}$`);

const isId = (id: unknown): id is string => typeof id === 'string' && ID.test(id);

/**
 * The id of a message of core NATS, given by its publisher: the time in microseconds, then the number
 * of the process. Ids of one process rise.
 */
export const CORE_IDS: IdFormat = Object.freeze({
  accepts: isId,
  compare: (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0),
  expected: `a number of ${TIME_DIGITS + PROCESS_DIGITS} digits`,
});

const process = String(randomInt(10 ** PROCESS_DIGITS)).padStart(PROCESS_DIGITS, '0');
let last = 0;

/** A new id. No other message has it, of any process. */
export function newId(): string {
  last = Math.max(Math.floor(systemClock.wallTime() * 1000), last + 1);
  return last + process;
}

/** When the message with this id was published, in milliseconds since the epoch, by its publisher's clock. */
export const timeOf = (id: string): number => Number(id.slice(0, TIME_DIGITS)) / 1000;

/**
 * For the position at which a group begins: core NATS has no earlier message to begin at.
 * @throws InvalidOptionsError
 */
export function refuseStartId(startId: string): void {
  if (startId === '$' || startId === '0') return;
  const why = 'core NATS keeps no messages, and begins with the next one';
  throw new InvalidOptionsError([`startId must be '0' or '$', not ${shown(startId)}: ${why}`]);
}
