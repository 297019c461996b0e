// @ts-check
import { drain, RATE } from '../draining.js';

const TOTAL = 100_000;

/** @type {import('../types.js').Workload} */
export default {
  name: 'consumers',
  title: 'One to four consumer processes',
  text: 'Draining 100,000 messages of 200 B with several processes of one group. More processes than cores gain nothing.',
  measures: [RATE],

  cases() {
    return [1, 2, 3, 4].map((consumers) => ({
      label: consumers === 1 ? '1 process' : `${consumers} processes`,
      baseline: 'pool',
      entrants: ['pool', 'ours'].map((system) => ({ label: system, system, consumers })),
    }));
  },

  async run({ stage, entrant: { system, consumers = 1 }, warmUp }) {
    const total = warmUp ? TOTAL / 5 : TOTAL;
    return drain(stage, system, { processes: consumers, work: { total } });
  },
};
