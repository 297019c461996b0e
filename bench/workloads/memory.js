// @ts-check
import { consumeAll } from '../consuming.js';
import { figure } from '../statistics.js';

const TOTAL = 1_000_000;
const STEP = TOTAL / 10;

/** @type {import('../types.js').Workload} */
export default {
  name: 'memory',
  title: 'Memory over 1,000,000 messages',
  text: 'Resident memory of a consumer that has just started and drains 1,000,000 messages of 200 B. Flat means that nothing is kept.',
  cold: true,
  mostRounds: 1,
  measures: [
    { key: 'peakMb', label: 'peak MB' },
    { key: 'mbAfter1', label: 'MB after 100,000' },
    { key: 'mbAfter10', label: 'MB after 1,000,000' },
    { key: 'rate', label: 'messages/s' },
  ],

  cases() {
    const entrants = ['pool', 'ours'].map((system) => ({ label: system, system }));
    return [{ label: '200 B', baseline: 'pool', entrants }];
  },

  async run({ stage, entrant: { system } }) {
    const streams = ['bench'];
    await stage.fill(system, { streams, total: TOTAL, size: 200, retryDelay: 0 });
    const work = { total: TOTAL, memoryEvery: STEP };
    const { rate, peakMb, reports } = await consumeAll(stage, system, { streams, work });
    const steps = reports[0]?.memory.map((mb, index) => [`mbAfter${index + 1}`, mb]) ?? [];
    return { rate, peakMb, ...Object.fromEntries(steps) };
  },

  figures([only]) {
    return {
      memory_peak_mb: figure(only, 'ours', 'peakMb').max,
      memory_growth_mb:
        figure(only, 'ours', 'mbAfter10').median - figure(only, 'ours', 'mbAfter1').median,
    };
  },
};
