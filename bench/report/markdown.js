// @ts-check
import { ratio } from '../statistics.js';
import { aboutInWords } from './about.js';
import { nameOf, tableOf, withDigits } from './table.js';

/** @typedef {import('../types.js').WorkloadResult} WorkloadResult */

/**
 * Everything that was measured, for docs/performance.md.
 *
 * @param {import('../types.js').About} about
 * @param {readonly WorkloadResult[]} results
 */
export function asMarkdown(about, results) {
  const sections = results.map(sectionOf);
  const better = results.flatMap(betterPeers).map((line) => `- ${line}`);
  const honest = better.length > 0 ? better.join('\n') : 'Nowhere in this run.';
  return [aboutInWords(about), ...sections, `## Where others are better\n\n${honest}`].join('\n\n');
}

/** What was measured by one workload. @param {WorkloadResult} result */
export function sectionOf(result) {
  const { name, title, text } = result.workload;
  return `## ${title}\n\n${text}\n\n![${title}](plots/${name}.svg)\n\n${table(tableOf(result))}`;
}

/** @param {readonly string[][]} rows */
export function table([head = [], ...rows]) {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Wherever an entrant that is not ours has the better figure. @param {WorkloadResult} result */
function betterPeers({ workload, cases }) {
  return cases.flatMap((one) => {
    const peers = one.entrants.filter(({ system }) => system !== 'ours');
    return peers.flatMap(({ label }) =>
      workload.measures.flatMap(({ key, label: what, compared, lessIsBetter }) => {
        const times = ratio(one, label, 'ours', key).median;
        if (!compared || !(lessIsBetter ? times < 0.995 : times > 1.005)) return [];
        return `${workload.title}, ${one.label}: ${nameOf(label)}, ${withDigits(times, 2)} times our ${what}`;
      }),
    );
  });
}
