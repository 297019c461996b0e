/**
 * Says how the fields of an entry stand in the record. Entries of the usual shape, and records of other
 * programs, have no such header.
 */
export const FIELDS_HEADER = 'streams-fields';

/** Value of {@link FIELDS_HEADER}: the headers are the fields in their order, the payload is the second. */
export const FIELDS_PLAIN = 'plain';

/** Value of {@link FIELDS_HEADER}: the value of the record is a JSON array of names and values in turn. */
export const FIELDS_AS_JSON = 'json';

/** Names of headers that this driver writes begin so. They are no fields, and no metadata. */
const OWN = 'streams-';

/** Whether a header has this name because the driver has set it. */
export const isOwn = (name: string): boolean => name.startsWith(OWN);
