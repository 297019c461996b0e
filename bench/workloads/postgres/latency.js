// @ts-check
import { LATENCIES, latenciesOf } from '../../latencies.js';
import { figure } from '../../statistics.js';

const OURS = 'ours';

/** @type {import('../../types.js').Workload} */
export default {
  name: 'postgres-latency',
  title: 'PostgreSQL: latency',
  text: 'From just before a message is published in one process until its handler begins in another one, at a steady rate. Ours is woken by a hint (NOTIFY); pg-boss polls every half second, the shortest interval that it takes, and goes on at once while it finds jobs.',
  measures: LATENCIES,

  cases(quick) {
    return (quick ? [100] : [10, 100, 500]).map((rate) => ({
      label: `${rate}/s`,
      baseline: 'pg-boss',
      rate,
      entrants: ['pg-boss', OURS].map((label) => ({
        label,
        system: label === OURS ? 'ours-postgres' : label,
        total: (quick ? 3 : 10) * rate,
      })),
    }));
  },

  run: (run) => latenciesOf(run),

  figures([first]) {
    return {
      postgres_latency_p50_ms: figure(first, OURS, 'p50').median,
      postgres_latency_p99_ms: figure(first, OURS, 'p99').median,
    };
  },
};
