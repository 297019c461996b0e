// @ts-check
import { figure } from '../statistics.js';
import { aboutInWords } from './about.js';
import { table } from './markdown.js';
import { nameOf, withDigits } from './table.js';

const COLUMNS = ['ours', 'pool', 'bullmq'];

/** The rows of the short table: a case of a workload, and one of its figures. */
const ROWS = [
  { name: 'drain', at: 0, key: 'rate', says: 'drain, messages/s' },
  { name: 'sleep', at: 0, key: 'rate', says: '5 ms handler, messages/s' },
  { name: 'publish', at: 0, key: 'rate', says: 'publish, messages/s' },
  { name: 'publish', at: 1, key: 'rate', says: 'publish in batches, messages/s' },
  { name: 'latency', at: 0, key: 'p50', says: 'latency at 1,000/s, p50 ms', digits: 2 },
  { name: 'latency', at: 0, key: 'p99', says: 'latency at 1,000/s, p99 ms', digits: 2 },
];

/**
 * The short table for README.md.
 *
 * @param {import('../types.js').About} about
 * @param {readonly import('../types.js').WorkloadResult[]} results
 */
export function asSummary(about, results) {
  const rows = ROWS.map(({ name, at, key, says, digits = 0 }) => {
    const one = results.find(({ workload }) => workload.name === name)?.cases[at];
    const cells = COLUMNS.map((column) => {
      const entrant =
        one?.entrants.find(({ label }) => label === column) ?? bareClient(one, column);
      return entrant ? withDigits(figure(one, entrant.label, key).median, digits) : '';
    });
    return [says, ...cells];
  });
  return `${table([['', nameOf('ours'), 'ioredis by hand', nameOf('bullmq')], ...rows])}\n\n${aboutInWords(about)}`;
}

/** Publishing by hand is plain XADD, or the best of it. @param {import('../types.js').CaseResult | undefined} one @param {string} column */
function bareClient(one, column) {
  return column === 'pool' ? one?.entrants.findLast(({ system }) => system === 'pool') : undefined;
}
