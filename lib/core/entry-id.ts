/** Half of an id has 64 bits. */
const LARGEST = 2n ** 64n - 1n;

/** Whether it can be the id of an entry: ms since the epoch, alone or with a sequence number. */
export function isEntryId(given: unknown): given is string {
  if (typeof given !== 'string' || !/^\d{1,20}(-\d{1,20})?$/.test(given)) return false;
  return given.split('-').every((half) => BigInt(half) <= LARGEST);
}
