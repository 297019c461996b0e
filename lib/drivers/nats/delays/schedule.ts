import type { When } from '../../../core/message.js';
import type { WireMessage } from '../wire/encode-entry.js';

/**
 * The server counts nanoseconds in 64 bits, and publishes at once what is due later than that: in the
 * year 2262. In milliseconds since the epoch.
 */
const LATEST = 9_223_372_036_854;

const AT = '@at ';
const SCHEDULE = 'Nats-Schedule';
const TARGET = 'Nats-Schedule-Target';
const EXPECTED = 'Nats-Expected-Last-Subject-Sequence';

/** When an entry is due, in milliseconds since the epoch. */
export function dueAt(when: When, now: number): number {
  const due = Math.ceil('in' in when ? now + when.in : when.at);
  return Math.min(Math.max(due || 0, 0), LATEST);
}

/**
 * The headers of a message that the server publishes later.
 * @param target the subject on which the server publishes the message
 * @param replaced the sequence of the message that this one replaces; 0: there must be none
 */
export const scheduleHeaders = (
  { headers }: Pick<WireMessage, 'headers'>,
  due: number,
  target: string,
  replaced: number,
): readonly string[] => [
  ...headers,
  ...[SCHEDULE, AT + new Date(due).toISOString()],
  ...[TARGET, target],
  ...[EXPECTED, String(replaced)],
];

/** When a waiting message is due, in milliseconds since the epoch. Undefined: it is none of ours. */
export function dueAtOf(headers: ReadonlyMap<string, string>): number | undefined {
  const schedule = headers.get(SCHEDULE);
  if (!schedule?.startsWith(AT)) return undefined;
  const due = Date.parse(schedule.slice(AT.length));
  return Number.isNaN(due) ? undefined : due;
}
