// @ts-check
import { figure, ratio } from '../statistics.js';

/** @typedef {import('../types.js').WorkloadResult} WorkloadResult */
/** @typedef {import('../types.js').About} About */

/**
 * The figures that have a name of their own, then everything by workload.
 *
 * @param {About} about
 * @param {readonly WorkloadResult[]} results
 */
export function asJson({ date, quick, rounds, machine, versions }, results) {
  const figures = results.map(({ workload, cases }) => workload.figures?.(cases) ?? {});
  const details = results.map((result) => [
    result.workload.name,
    result.cases.map(casesOf(result)),
  ]);
  const workloads = Object.fromEntries(details);
  const named = Object.entries(Object.assign({}, ...figures));
  const rounded = Object.fromEntries(named.map(([name, value]) => [name, round(value)]));
  return { ...rounded, date, quick, rounds, machine, versions, workloads };
}

/** @param {WorkloadResult} result */
function casesOf({ workload }) {
  return (/** @type {import('../types.js').CaseResult} */ one) => ({
    case: one.label,
    baseline: one.baseline,
    entrants: one.entrants.map(({ label }) => ({
      label,
      ...Object.fromEntries(
        workload.measures.flatMap(({ key, compared }) => [
          [key, rounded(figure(one, label, key))],
          ...(compared ? [[`${key}_ratio`, rounded(ratio(one, label, one.baseline, key))]] : []),
        ]),
      ),
    })),
  });
}

/** @param {import('../statistics.js').Spread} spread */
function rounded({ median, min, max }) {
  return { median: round(median), min: round(min), max: round(max) };
}

/** @param {number} value */
function round(value) {
  return Number(value.toPrecision(4));
}
