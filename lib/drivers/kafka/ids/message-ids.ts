import { InvalidOptionsError } from '../../../core/errors/start-up.errors.js';
import { shown } from '../../../core/option-schema/wording.js';
import type { IdFormat } from '../../../ports/id-format.js';

/** Where a message is in its topic. */
export interface MessagePlace {
  readonly partition: number;
  /** Exact up to 2^53, which is Number.MAX_SAFE_INTEGER + 1. */
  readonly offset: number;
}

const ID = /^(0|[1-9]\d{0,9})-(0|[1-9]\d{0,15})$/;
/** Most partitions of a topic, less one. */
const LAST_PARTITION = 2 ** 31 - 1;

/** The id of a message: `<partition>-<offset>`. */
export const messageId = (partition: number, offset: number): string => `${partition}-${offset}`;

/** Undefined: the text is no id of a message. */
export function placeOf(id: unknown): MessagePlace | undefined {
  const parts = typeof id === 'string' ? ID.exec(id) : null;
  if (!parts) return undefined;
  const place = { partition: Number(parts[1]), offset: Number(parts[2]) };
  const isValid = place.partition <= LAST_PARTITION && Number.isSafeInteger(place.offset);
  return isValid ? place : undefined;
}

/** The id before all others: `0-0` is that of a message. */
export const BEGINNING = '0';

const BEFORE_ALL: MessagePlace = { partition: -1, offset: -1 };

/**
 * `<partition>-<offset>`. Ids of one partition are in the order of their offsets; ids of different
 * partitions in the order of their partitions, which says nothing about time.
 */
export const OFFSET_IDS: IdFormat = Object.freeze({
  accepts: (id: string) => id === BEGINNING || placeOf(id) !== undefined,
  compare(a: string, b: string) {
    const [one, other] = [placeOf(a) ?? BEFORE_ALL, placeOf(b) ?? BEFORE_ALL];
    return one.partition - other.partition || one.offset - other.offset;
  },
  expected: 'an id such as 2-12345, of a partition and an offset',
});

/**
 * For the position at which a group begins.
 * @throws InvalidOptionsError
 */
export function refuseStartId(startId: string): void {
  if (startId === '0' || startId === '$' || placeOf(startId)) return;
  throw new InvalidOptionsError([
    `startId must be '0', '$' or ${OFFSET_IDS.expected}, not ${shown(startId)}`,
  ]);
}
