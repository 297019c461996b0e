// @ts-check
import { drain, NODE_US, RATE, REDIS_US } from '../draining.js';
import { ratio } from '../statistics.js';

const TOTAL = 100_000;

/** @type {import('../types.js').Workload} */
export default {
  name: 'hot',
  title: 'One busy stream among idle ones',
  text: 'Draining 100,000 messages of 200 B that lie in one of many streams, which one handler of one process reads. Nothing is in the others.',
  measures: [RATE, NODE_US, REDIS_US],

  cases() {
    const entrants = [0, 200, 2000].map((idle) => ({
      label: idle === 0 ? 'alone' : `among ${idle} idle ones`,
      system: 'ours',
      streams: idle + 1,
    }));
    return [{ label: '200 B', baseline: 'alone', entrants }];
  },

  async run({ stage, entrant: { system, streams: count = 1 }, warmUp }) {
    const total = warmUp ? TOTAL / 5 : TOTAL;
    const streams = Array.from({ length: count }, (_, n) => `hot-${total}-${count}-${n}`);
    return drain(stage, system, { streams, filled: streams.slice(0, 1), work: { total } });
  },

  figures([only]) {
    return { hot_2000_vs_1: ratio(only, 'among 2000 idle ones', 'alone', 'rate').median };
  },
};
