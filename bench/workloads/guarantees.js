// @ts-check
import { drain, NODE_US, RATE } from '../draining.js';
import { ratio } from '../statistics.js';

const ALL = 'all, and metrics';
const NONE = 'none';

/** @type {import('../types.js').Workload} */
export default {
  name: 'guarantees',
  title: 'What the guarantees cost',
  text: 'Draining a backlog with parts of the library switched off, which only the bench can do: the heartbeat that keeps entries with their consumer, the look for entries that other consumers have abandoned, the table of held entries that fences settlements, and a listener that counts each settlement as metrics would. Relative to a library with none of them.',
  measures: [RATE, NODE_US],

  cases() {
    const entrants = [
      { label: NONE, system: 'ours-bare' },
      { label: ALL, system: 'ours-metered' },
      { label: 'all, no metrics', system: 'ours' },
      { label: 'no heartbeat', system: 'ours-without-heartbeat' },
      { label: 'no reclaim', system: 'ours-without-reclaim' },
      { label: 'no table', system: 'ours-without-table' },
    ].map((entrant) => ({ ...entrant, total: 100_000 }));
    return [{ label: '200 B', baseline: NONE, entrants }];
  },

  async run({ stage, entrant: { system, total = 0 }, warmUp }) {
    return drain(stage, system, { work: { total: warmUp ? total / 5 : total } });
  },

  figures([only]) {
    return { guarantees_cost: 1 - ratio(only, ALL, NONE, 'rate').median };
  },
};
