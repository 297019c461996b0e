// @ts-check
import { drain, NODE_US, RATE } from '../draining.js';
import { figure, ratio } from '../statistics.js';

const SLEEP = 5;

/** @type {import('../types.js').Workload} */
export default {
  name: 'sleep',
  title: 'A handler that waits 5 ms',
  text: 'As before, but each handler waits 5 ms, as for a database. At concurrency 100 no system can do more than 20,000 messages/s.',
  quick: true,
  measures: [RATE, NODE_US],

  cases(quick) {
    const total = quick ? 6_000 : 40_000;
    const systems = quick ? ['pool', 'ours'] : ['pool', 'ours', 'bullmq', 'nest-bullmq'];
    const entrants = systems.map((system) => ({ label: system, system, total }));
    return [{ label: '200 B', baseline: 'pool', entrants }];
  },

  async run({ stage, entrant: { system, total = 0 }, warmUp }) {
    const work = { total: warmUp ? total / 10 : total, sleep: SLEEP };
    return drain(stage, system, { work });
  },

  figures([only]) {
    return {
      sleep_vs_pool: ratio(only, 'ours', 'pool', 'rate').median,
      sleep_per_second: figure(only, 'ours', 'rate').median,
    };
  },
};
