// @ts-check
import { LATENCIES, latenciesOf } from '../../latencies.js';
import { figure, ratio } from '../../statistics.js';

const OURS = 'ours';
const BARE = 'consume()';

/** @type {import('../../types.js').Workload} */
export default {
  name: 'nats-latency',
  title: 'NATS: latency',
  text: 'From just before a message is published in one process until its handler begins in another one, at a steady rate. `consume()` and `js.publish()` are those of the client of NATS.',
  measures: LATENCIES,

  cases(quick) {
    return (quick ? [200] : [1000, 200]).map((rate) => ({
      label: `${rate}/s`,
      baseline: BARE,
      rate,
      entrants: [
        { label: BARE, system: 'nats-client', total: (quick ? 3 : 5) * rate },
        { label: OURS, system: 'ours-nats', total: (quick ? 3 : 5) * rate },
      ],
    }));
  },

  run: (run) => latenciesOf(run),

  figures([first]) {
    return {
      nats_latency_p50_vs_consume: ratio(first, OURS, BARE, 'p50').median,
      nats_latency_p50_ms: figure(first, OURS, 'p50').median,
      nats_latency_p99_ms: figure(first, OURS, 'p99').median,
    };
  },
};
