// @ts-check
import { drain, NODE_US, RATE } from '../draining.js';
import { ratio } from '../statistics.js';

const OFF = 'off';
const NO_SDK = 'on, no SDK';

/** @type {import('../types.js').Workload} */
export default {
  name: 'tracing',
  title: 'What tracing costs',
  text: 'Draining a backlog with tracing off, and on: without an SDK of OpenTelemetry, with one whose sampler takes no trace, and with one that takes all, whose spans are dropped where an exporter would get them. Each message that is sampled has two spans. Relative to tracing off.',
  measures: [RATE, NODE_US],

  cases() {
    const entrants = [
      { label: OFF, system: 'ours' },
      { label: NO_SDK, system: 'ours-traced' },
      { label: 'on, SDK, not sampled', system: 'ours-traced-unsampled' },
      { label: 'on, SDK, all sampled', system: 'ours-traced-sampled' },
    ].map((entrant) => ({ ...entrant, total: 100_000 }));
    return [{ label: '200 B', baseline: OFF, entrants }];
  },

  async run({ stage, entrant: { system, total = 0 }, warmUp }) {
    return drain(stage, system, { work: { total: warmUp ? total / 5 : total } });
  },

  figures([only]) {
    return { tracing_vs_off: ratio(only, NO_SDK, OFF, 'rate').median };
  },
};
