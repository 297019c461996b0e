import type { Fields } from '../message.js';

/** Fields as a JSON array of names and values in turn. It escapes lone surrogates: see `Fields`. */
export const jsonOfFields = (fields: Fields): string => JSON.stringify(fields);

/** Reads what {@link jsonOfFields} has written. Undefined: it is no list of names and values. */
export function fieldsOfJson(text: string): Fields | undefined {
  try {
    const fields: unknown = JSON.parse(text);
    const isList = Array.isArray(fields) && fields.length > 0 && fields.length % 2 === 0;
    return isList && fields.every((text) => typeof text === 'string') ? fields : undefined;
  } catch {
    return undefined;
  }
}
