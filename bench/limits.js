// @ts-check
/** @typedef {Record<string, { readonly atLeast?: number, readonly atMost?: number }>} Limits */

/**
 * @param {Readonly<Record<string, number>>} figures
 * @param {Limits} limits
 * @returns {string[]} a line for each figure beyond its limit, or not measured
 */
export function missed(figures, limits) {
  return Object.entries(limits).flatMap(([name, { atLeast = -Infinity, atMost = Infinity }]) => {
    const figure = figures[name] ?? NaN;
    if (figure >= atLeast && figure <= atMost) return [];
    const limit = figure > atMost ? `at most ${atMost}` : `at least ${atLeast}`;
    return [`${name} is ${figure}, and should be ${limit}`];
  });
}

/**
 * @param {Limits} limits
 * @param {string} prefix
 * @returns {Limits} those whose names do not begin so
 */
export function without(limits, prefix) {
  return Object.fromEntries(Object.entries(limits).filter(([name]) => !name.startsWith(prefix)));
}
