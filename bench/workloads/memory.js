// @ts-check
import { MEMORY, memoryCurve, STEP } from '../memory-curve.js';
import { figure } from '../statistics.js';

/** @type {import('../types.js').Workload} */
export default {
  name: 'memory',
  title: 'Memory',
  text: 'Resident memory of a consumer that has just started, while it drains 1,000,000 messages of 200 B (200,000 in a quick run). Flat means that nothing is kept.',
  cold: true,
  quick: true,
  mostRounds: 1,
  measures: MEMORY,

  cases(quick) {
    const total = quick ? 2 * STEP : 10 * STEP;
    const systems = quick ? ['ours'] : ['pool', 'ours'];
    const entrants = systems.map((system) => ({ label: system, system, total }));
    return [{ label: '200 B', baseline: 'pool', entrants }];
  },

  run: memoryCurve,

  figures([only]) {
    return {
      peak_mb: figure(only, 'ours', 'peakMb').max,
      growth_mb: figure(only, 'ours', 'grownMb').max,
    };
  },
};
