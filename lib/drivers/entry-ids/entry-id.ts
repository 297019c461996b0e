/** Each half of an id has 64 bits. */
const LARGEST = 2n ** 64n - 1n;

/**
 * Whether a value can be the id of an entry: milliseconds since the epoch, alone or with a sequence
 * number.
 */
export function isEntryId(given: unknown): given is string {
  if (typeof given !== 'string' || !/^\d{1,20}(-\d{1,20})?$/.test(given)) return false;
  return given.split('-').every((half) => BigInt(half) <= LARGEST);
}

/** Negative where `a` comes before `b`. A missing sequence number is 0, as on Redis. */
export function compareEntryIds(a: string, b: string): number {
  const aDash = a.indexOf('-');
  const bDash = b.indexOf('-');
  // Halves of equal length compare as texts like numbers.
  if (aDash === bDash && a.length === b.length) return a > b ? 1 : a === b ? 0 : -1;
  return (
    compareDigits(msOf(a, aDash), msOf(b, bDash)) ||
    compareDigits(sequenceOf(a, aDash), sequenceOf(b, bDash))
  );
}

/** When the entry was added, by the clock of its server, in milliseconds since the epoch. */
export const timeOf = (id: string): number => Number(msOf(id, id.indexOf('-')));

/** Since the entry was added, by the clock that `now` was read from, in milliseconds. 0 for no entry. */
export const ageOf = (id: string | undefined, now: number): number =>
  id === undefined ? 0 : Math.max(0, now - timeOf(id));

/** Adds the sequence number, and removes leading zeros of both halves. */
export function canonicalId(id: string): string {
  return halves(id).join('-');
}

/** The lowest id behind this one. */
export function idBehind(id: string): string {
  const [ms, sequence] = halves(id);
  return `${ms}-${sequence + 1n}`;
}

/** The highest id before this one. */
export function idBefore(id: string): string {
  const [ms, sequence] = halves(id);
  if (sequence > 0n) return `${ms}-${sequence - 1n}`;
  return ms > 0n ? `${ms - 1n}-${LARGEST}` : '0-0';
}

const msOf = (id: string, dash: number): string => (dash < 0 ? id : id.slice(0, dash));
const sequenceOf = (id: string, dash: number): string => (dash < 0 ? '0' : id.slice(dash + 1));

/** Without leading zeros the longer number is the higher one. */
function compareDigits(a: string, b: string): number {
  return a.length - b.length || (a > b ? 1 : a === b ? 0 : -1);
}

/** Sequence numbers may be larger than a JavaScript number can hold exactly. */
function halves(id: string): [ms: bigint, sequence: bigint] {
  const dash = id.indexOf('-');
  return [BigInt(msOf(id, dash)), BigInt(sequenceOf(id, dash))];
}
