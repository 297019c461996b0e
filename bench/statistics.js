// @ts-check
/** All arithmetic on what was measured. */

/** @typedef {{ readonly median: number, readonly min: number, readonly max: number }} Spread */

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

/**
 * One figure of an entrant over its rounds.
 *
 * @param {import('./types.js').EntrantResult} entrant
 * @param {string} key
 */
export function figure(entrant, key) {
  return spread(entrant.samples.map((sample) => sample[key] ?? NaN));
}

/**
 * Compares within each round, so that what slows the machine down for a while hits both.
 *
 * @param {import('./types.js').EntrantResult} entrant
 * @param {import('./types.js').EntrantResult} baseline
 * @param {string} key
 */
export function ratio(entrant, baseline, key) {
  const rounds = entrant.samples.map((sample, round) => {
    return (sample[key] ?? NaN) / (baseline.samples[round]?.[key] ?? NaN);
  });
  return spread(rounds);
}

/** @param {Iterable<number>} values */
function sortedCopy(values) {
  return Float64Array.from(values).sort();
}
