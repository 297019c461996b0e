// @ts-check
import { drain } from '../draining.js';
import { ratio } from '../statistics.js';

const TOTAL = 20_000;

/** @type {import('../types.js').Workload} */
export default {
  name: 'groups',
  title: 'One to eight groups on one stream',
  text: 'Each group of one process gets each of 20,000 messages of 200 B; rates count what all groups handle together.',
  measures: [
    { key: 'rate', label: 'deliveries/s', compared: true },
    { key: 'nodeUs', label: 'Node µs per delivery', digits: 1 },
    { key: 'serverUs', label: 'Redis µs per delivery', digits: 1 },
  ],

  cases() {
    const entrants = [1, 2, 4, 8].map((groups) => ({
      label: groups === 1 ? '1 group' : `${groups} groups`,
      system: 'ours',
      groups,
    }));
    return [{ label: '200 B', baseline: '1 group', entrants }];
  },

  async run({ stage, entrant: { system, groups = 1 }, warmUp }) {
    const total = warmUp ? TOTAL / 5 : TOTAL;
    return drain(stage, system, { work: { total, groups } });
  },

  figures([only]) {
    return { groups_8_vs_1: ratio(only, '8 groups', '1 group', 'rate').median };
  },
};
