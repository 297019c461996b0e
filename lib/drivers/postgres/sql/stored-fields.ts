import type { Fields } from '../../../core/message.js';

/**
 * The text of fields in a table. JSON writes what the text types of PostgreSQL refuse, such as
 * U+0000, with other characters.
 */
export const storedFields = (fields: Fields): string => JSON.stringify(fields);

/** The fields of a row. */
export const fieldsOf = ({ fields }: { readonly fields: string }): string[] =>
  JSON.parse(fields) as string[];
