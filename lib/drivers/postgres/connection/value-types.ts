import type { CustomTypesConfig } from 'pg';
import type { Pg } from './pg.js';

/** Numbers of the types bigint and bigint[]. */
const BIGINT = 20;
const BIGINTS = 1016;
/** A list of texts is read like a list of numbers, which stay texts. */
const TEXTS = 1009;

/** `pg` declares the numbers as an enumeration that lacks lists. */
type ParserOf = (oid: number, format?: 'text') => (text: string) => unknown;

/**
 * How values are read, without regard to what the application sets for all of `pg`: bigint as a
 * decimal text, because it may be larger than a number holds exactly.
 */
export function valueTypes(types: Pg['types']): CustomTypesConfig {
  const parserOf: ParserOf = (oid, format) =>
    oid === BIGINT
      ? (text) => text
      : (types.getTypeParser as ParserOf)(oid === BIGINTS ? TEXTS : oid, format);
  return { getTypeParser: parserOf as CustomTypesConfig['getTypeParser'] };
}
