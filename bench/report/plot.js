// @ts-check
import { figure } from '../statistics.js';
import { bars, lines } from './svg.js';
import { nameOf, withDigits } from './table.js';

/**
 * The first measure of a workload as bars, or, where there is one, the course of its memory.
 *
 * @param {import('../types.js').WorkloadResult} result
 * @returns {string} SVG
 */
export function plotOf({ workload, cases }) {
  const [measure] = workload.measures;
  if (!measure) return '';
  const first = cases[0];
  if (workload.name === 'memory' && first) return memoryPlot(workload.title, first);
  const { key, digits = 0 } = measure;
  const groups = cases.map((one) => ({
    label: one.label,
    bars: one.entrants.map(({ label, system }) => {
      const spread = figure(one, label, key);
      return {
        label: nameOf(label),
        ours: system === 'ours',
        text: withDigits(spread.median, digits),
        ...spread,
      };
    }),
  }));
  return bars(`${workload.title}: ${measure.label}`, groups);
}

/** @param {string} title @param {import('../types.js').CaseResult} one */
function memoryPlot(title, one) {
  const steps = Array.from({ length: 10 }, (_, index) => index + 1).filter(
    (step) => figure(one, 'ours', `mbAfter${step}`).median > 0,
  );
  const curves = one.entrants.map(({ label, system }) => ({
    label: nameOf(label),
    ours: system === 'ours',
    values: steps.map((step) => figure(one, label, `mbAfter${step}`).median),
  }));
  return lines(`${title}: resident MB after each 100,000`, curves);
}
