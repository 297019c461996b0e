/**
 * The list of numbers as PostgreSQL reads it, for parameters such as `int[]` and `bigint[]`. `pg` would
 * put each number in quotes, which takes both sides longer.
 */
export const numberList = (numbers: readonly (number | string)[]): string =>
  `{${numbers.join(',')}}`;

/** An expression for the list of texts that {@link linesOf} has made one text of. */
export const fromLines = (parameter: string): string => `string_to_array(${parameter}, E'\\n')`;

/**
 * Makes one text of many, none of which has a line break: JSON. In a list of PostgreSQL each quote and
 * backslash of JSON would be escaped once more.
 */
export const linesOf = (texts: readonly string[]): string => texts.join('\n');
