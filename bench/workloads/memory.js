// @ts-check
import { consumeAll } from '../consuming.js';
import { figure } from '../statistics.js';

const STEP = 100_000;

/** @type {import('../types.js').Workload} */
export default {
  name: 'memory',
  title: 'Memory',
  text: 'Resident memory of a consumer that has just started, while it drains 1,000,000 messages of 200 B (200,000 in a quick run). Flat means that nothing is kept.',
  cold: true,
  quick: true,
  mostRounds: 1,
  measures: [
    { key: 'peakMb', label: 'peak MB' },
    { key: 'grownMb', label: 'MB grown after the first 100,000', digits: 1 },
    { key: 'rate', label: 'messages/s' },
  ],

  cases(quick) {
    const total = quick ? 2 * STEP : 10 * STEP;
    const systems = quick ? ['ours'] : ['pool', 'ours'];
    const entrants = systems.map((system) => ({ label: system, system, total }));
    return [{ label: '200 B', baseline: 'pool', entrants }];
  },

  async run({ stage, entrant: { system, total = 0 } }) {
    const streams = ['bench'];
    await stage.fill(system, { streams, total, size: 200, retryDelay: 0 });
    const work = { total, memoryEvery: STEP };
    const { rate, peakMb, reports } = await consumeAll(stage, system, { streams, work });
    const steps = reports[0]?.memory ?? [];
    const grownMb = (steps.at(-1) ?? NaN) - (steps[0] ?? NaN);
    const curve = steps.map((mb, index) => [`mbAfter${index + 1}`, mb]);
    return { rate, peakMb, grownMb, ...Object.fromEntries(curve) };
  },

  figures([only]) {
    return {
      peak_mb: figure(only, 'ours', 'peakMb').max,
      growth_mb: figure(only, 'ours', 'grownMb').max,
    };
  },
};
