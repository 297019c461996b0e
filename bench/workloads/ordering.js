// @ts-check
import { drain, NODE_US, RATE, REDIS_US } from '../draining.js';
import { ratio } from '../statistics.js';

const UNORDERED = 'unordered';
const ORDERED = 'orderBy, 1,000 keys';
const TOTAL = 60_000;

/** @type {import('../types.js').Workload} */
export default {
  name: 'ordering',
  title: 'What order costs',
  text: 'Draining a backlog in one stream at concurrency 100 with a handler that does nothing, without and with `orderBy`. A message starts once the one before it with the same key is settled, so that few keys mean few messages at a time.',
  measures: [RATE, NODE_US, REDIS_US],

  cases() {
    const entrants = [
      { label: UNORDERED, system: 'ours' },
      { label: ORDERED, system: 'ours-ordered-1000' },
      { label: 'orderBy, 100 keys', system: 'ours-ordered-100' },
      { label: 'orderBy, 10 keys', system: 'ours-ordered-10' },
    ];
    return [{ label: '200 B', baseline: UNORDERED, entrants }];
  },

  async run({ stage, entrant: { system }, warmUp }) {
    const total = warmUp ? TOTAL / 5 : TOTAL;
    return drain(stage, system, { work: { total } });
  },

  figures([only]) {
    return { ordering_vs_unordered: ratio(only, ORDERED, UNORDERED, 'rate').median };
  },
};
