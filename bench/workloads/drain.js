// @ts-check
import { drain, NODE_US, RATE, REDIS_US } from '../draining.js';
import { figure, ratio } from '../statistics.js';

/** @type {import('../types.js').Workload} */
export default {
  name: 'drain',
  title: 'Draining a backlog',
  text: 'Messages that wait in one stream are handled by one process at concurrency 100; the handler does nothing. Slow systems get fewer messages, which does not change their rate.',
  quick: true,
  measures: [RATE, NODE_US, REDIS_US],

  cases(quick) {
    const many = quick ? 60_000 : 100_000;
    const few = quick ? 3_000 : 20_000;
    const slow = quick ? ['bullmq'] : ['tutorial', 'bullmq', 'nest-bullmq'];
    const entrants = [
      ...['pool', 'ours'].map((system) => ({ label: system, system, total: many })),
      ...slow.map((system) => ({ label: system, system, total: few })),
    ];
    const small = { label: '200 B', baseline: 'pool', size: 200, entrants };
    return quick ? [small] : [small, { label: '2 KB', baseline: 'pool', size: 2048, entrants }];
  },

  async run({ stage, case: { size = 200 }, entrant: { system, total = 0 }, warmUp }) {
    return drain(stage, system, { size, work: { total: warmUp ? total / 5 : total } });
  },

  figures([small]) {
    return {
      drain_vs_pool: ratio(small, 'ours', 'pool', 'rate').median,
      drain_vs_bullmq: ratio(small, 'ours', 'bullmq', 'rate').median,
      drain_per_second: figure(small, 'ours', 'rate').median,
      node_us_per_message: figure(small, 'ours', 'nodeUs').median,
      redis_us_per_message: figure(small, 'ours', 'serverUs').median,
    };
  },
};
