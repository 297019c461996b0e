// @ts-check
import { LATENCIES, latenciesOf } from '../latencies.js';
import { figure, ratio } from '../statistics.js';

/** The reader is blocked on an empty stream before the first message leaves, ms. */
const CALM = 200;

/** @type {import('../types.js').Workload} */
export default {
  name: 'latency',
  title: 'Latency',
  text: 'From just before a message is published in one process until its handler begins in another one, at a steady rate.',
  quick: true,
  measures: LATENCIES,

  cases(quick) {
    const systems = quick ? ['pool', 'ours'] : ['pool', 'ours', 'nest-redis', 'bullmq'];
    return (quick ? [1000] : [1000, 200]).map((rate) => ({
      label: `${rate}/s`,
      baseline: 'pool',
      rate,
      entrants: systems.map((system) => ({
        label: system,
        system,
        total: (quick ? 0.6 : 5) * rate,
      })),
    }));
  },

  run: (run) => latenciesOf(run, { calm: CALM, warmUpFor: 0.25 }),

  figures([fast]) {
    return {
      latency_p50_vs_pool: ratio(fast, 'ours', 'pool', 'p50').median,
      latency_p99_vs_pool: ratio(fast, 'ours', 'pool', 'p99').median,
      latency_p50_ms: figure(fast, 'ours', 'p50').median,
      latency_p99_ms: figure(fast, 'ours', 'p99').median,
    };
  },
};
