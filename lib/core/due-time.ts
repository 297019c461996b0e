import { LATEST } from './delays.js';
import { InvalidMessageError } from './errors/publishing.errors.js';
import type { When } from './message.js';

/** When a message is to be delivered. One of the two at most. */
export interface DueTime {
  /** So many ms from now, by the server's clock. 0: at once. */
  readonly delay?: number;
  /** A time of the server's clock: a Date, or ms since the epoch. Past: as soon as possible. */
  readonly deliverAt?: Date | number;
}

/** @returns undefined where it is to be published at once. @throws InvalidMessageError */
export function whenOf({ delay, deliverAt }: DueTime): When | undefined {
  if (delay !== undefined && deliverAt !== undefined) {
    throw new InvalidMessageError('A message has a delay or a deliverAt, not both.');
  }
  if (deliverAt !== undefined) {
    const at = deliverAt instanceof Date ? deliverAt.getTime() : deliverAt;
    if (isTime(at)) return { at };
    throw new InvalidMessageError(
      'deliverAt must be a valid Date, or a whole number of ms since the epoch.',
    );
  }
  if (delay === undefined || delay === 0) return undefined;
  if (isTime(delay)) return { in: delay };
  throw new InvalidMessageError('A delay must be a whole number of ms of at least 0.');
}

/** Until then, ms, by this process's clock; 0: at once. */
export const waitUntil = (when: When | undefined, now: number): number =>
  when ? Math.max(0, 'in' in when ? when.in : when.at - now) : 0;

const isTime = (ms: unknown): ms is number =>
  Number.isSafeInteger(ms) && (ms as number) >= 0 && (ms as number) <= LATEST;
