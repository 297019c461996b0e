/** Says that the body of a message has all of its fields: see {@link FIELDS_AS_JSON}. */
export const FIELDS_HEADER = 'Streams-Fields';

/** Value of {@link FIELDS_HEADER}: the body is a JSON array of names and values in turn. */
export const FIELDS_AS_JSON = 'json';

/** Id of a message of core NATS, given by its publisher. */
export const ID_HEADER = 'Streams-Id';

/** Headers of the server, and of this driver. They are no fields of a message. */
const RESERVED = /^(?:nats|streams)-/i;

/** Whether a header has this name because the server, or this driver, has set it. */
export function isReserved(name: string): boolean {
  // Nearly all names begin otherwise: the first character says so for less than the pattern costs.
  const first = name.charCodeAt(0) | 0x20;
  return (first === 0x6e || first === 0x73) && RESERVED.test(name);
}
