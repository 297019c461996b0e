// @ts-check
import { figure, ratio } from '../statistics.js';

/** What the labels of entrants stand for. @type {Record<string, string>} */
const NAMES = {
  ours: 'nestjs-redis-streams',
  'pg-loop': 'hand-written loop',
  pool: 'hand-written pool',
  tutorial: 'tutorial loop',
  bullmq: 'BullMQ',
  'nest-bullmq': '@nestjs/bullmq',
  'nest-redis': 'Nest Redis transport',
};

/** @param {string} label */
export const nameOf = (label) => NAMES[label] ?? label;

/**
 * The rows of a workload, the first one being the head.
 *
 * @param {import('../types.js').WorkloadResult} result
 * @returns {string[][]}
 */
export function tableOf({ workload, cases }) {
  const { measures } = workload;
  const heads = measures.flatMap(({ label, compared }) =>
    compared ? [label, 'relative'] : [label],
  );
  const rows = cases.flatMap((one) =>
    one.entrants.map(({ label }) => [
      one.label,
      nameOf(label),
      ...measures.flatMap((measure) => cellsOf(one, label, measure)),
    ]),
  );
  return [['', '', ...heads], ...rows];
}

/**
 * @param {import('../types.js').CaseResult} one
 * @param {string} label
 * @param {import('../types.js').Measure} measure
 */
function cellsOf(one, label, { key, digits = 0, compared }) {
  const shown = inWords(figure(one, label, key), digits);
  if (!compared) return [shown];
  const isBaseline = label === one.baseline;
  return [shown, isBaseline ? '1' : inWords(ratio(one, label, one.baseline, key), 2)];
}

/** @param {import('../statistics.js').Spread} spread @param {number} digits */
function inWords({ median, min, max }, digits) {
  const shown = (/** @type {number} */ value) => withDigits(value, digits);
  return min === max || Number.isNaN(median)
    ? shown(median)
    : `${shown(median)} (${shown(min)} to ${shown(max)})`;
}

/** @param {number} value @param {number} digits */
export function withDigits(value, digits) {
  if (Number.isNaN(value)) return '';
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
