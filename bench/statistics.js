// @ts-check
/** All arithmetic on what was measured. */

/** @typedef {{ readonly median: number, readonly min: number, readonly max: number }} Spread */
/** @typedef {import('./types.js').CaseResult} CaseResult */

/** @param {readonly number[]} values @returns {Spread} */
export function spread(values) {
  const sorted = sortedCopy(values);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
  return { median, min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN };
}

/** The value that `share` of all values do not exceed. @param {Iterable<number>} values @param {number} share */
export function percentile(values, share) {
  const sorted = sortedCopy(values);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** One figure of an entrant over its rounds. @param {CaseResult | undefined} result @param {string} label @param {string} key */
export function figure(result, label, key) {
  return spread(valuesOf(result, label, key));
}

/**
 * An entrant's figure divided by that of another one, round by round, so that what slows the machine
 * down for a while hits both.
 *
 * @param {CaseResult | undefined} result
 * @param {string} label
 * @param {string} baseline
 * @param {string} key
 */
export function ratio(result, label, baseline, key) {
  const others = valuesOf(result, baseline, key);
  const rounds = valuesOf(result, label, key).map((value, round) => value / (others[round] ?? NaN));
  return spread(rounds);
}

/** @param {CaseResult | undefined} result @param {string} label @param {string} key */
function valuesOf(result, label, key) {
  const entrant = result?.entrants.find((one) => one.label === label);
  return (entrant?.samples ?? []).map((sample) => sample[key] ?? NaN);
}

/** @param {Iterable<number>} values */
function sortedCopy(values) {
  return Float64Array.from(values).sort();
}
