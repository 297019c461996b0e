import { LATEST } from '../ports/delays.js';
import { InvalidMessageError } from '../core/errors/publishing.errors.js';
import type { When } from '../core/message.js';
import { checked, whole } from '../core/option-schema/kinds.js';
import { NONE } from '../core/option-schema/option.js';
import { declareOptions, type Given, type Rule } from '../core/option-schema/shape.js';

/** 2001-01-01. An earlier time is probably a time in seconds, by mistake. */
const EARLIEST = Date.UTC(2001, 0, 1);

const notBoth: Rule = ({ delay, deliverAt }) =>
  delay !== undefined && deliverAt !== undefined
    ? ['delay or deliverAt must be given, not both']
    : NONE;

export const DUE_TIME = declareOptions(
  'a due time',
  {
    /**
     * Publishes the message later: this many milliseconds from now, by the server's clock. 0: at once.
     * More: docs/delays.md. @default at once
     */
    delay: whole(0, LATEST),
    /**
     * Publishes the message at this time of the server's clock: a Date, or milliseconds since the
     * epoch, not before 2001. Past: as soon as possible. Not beside `delay`. @default at once
     */
    deliverAt: checked<Date | number>(
      'a valid Date, or a whole number of milliseconds since the epoch, from 2001-01-01 on',
      (value) => {
        const at = timeOf(value);
        return Number.isSafeInteger(at) && (at as number) >= EARLIEST && (at as number) <= LATEST;
      },
      (value) =>
        Number(timeOf(value)) > 0 && Number(timeOf(value)) < EARLIEST
          ? 'seconds? Multiply by 1000'
          : undefined,
    ),
  },
  notBoth,
);

/** When a message is to be delivered. `delay` and `deliverAt` exclude each other. */
export interface DueTime extends Given<typeof DUE_TIME> {}

/** @returns undefined where the message is to be published at once. @throws InvalidMessageError */
export function whenOf({ delay, deliverAt }: DueTime): When | undefined {
  if (delay === undefined && deliverAt === undefined) return undefined;
  const due = { delay, deliverAt };
  if (!DUE_TIME.accepts(due)) throw new InvalidMessageError(DUE_TIME.problems(due).join('; '));
  if (deliverAt !== undefined) return { at: timeOf(deliverAt) as number };
  return delay ? { in: delay } : undefined;
}

/** Milliseconds until a due time, by this process's clock; 0: at once. */
export const waitUntil = (when: When | undefined, now: number): number =>
  when ? Math.max(0, 'in' in when ? when.in : when.at - now) : 0;

const timeOf = (value: unknown): unknown => (value instanceof Date ? value.getTime() : value);
