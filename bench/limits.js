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
