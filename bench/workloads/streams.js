// @ts-check
import { drain, NODE_US, RATE, REDIS_US } from '../draining.js';
import { ratio } from '../statistics.js';

const TOTAL = 100_000;

/** @type {import('../types.js').Workload} */
export default {
  name: 'streams',
  title: 'One to 1,000 streams in one process',
  text: 'Draining 100,000 messages of 200 B that lie in one or many streams, which one handler of one process reads.',
  measures: [RATE, NODE_US, REDIS_US],

  cases() {
    const entrants = [1, 10, 100, 1000].map((streams) => ({
      label: streams === 1 ? '1 stream' : `${streams} streams`,
      system: 'ours',
      streams,
    }));
    return [{ label: '200 B', baseline: '1 stream', entrants }];
  },

  async run({ stage, entrant: { system, streams: count = 1 }, warmUp }) {
    const total = warmUp ? TOTAL / 5 : TOTAL;
    const streams = Array.from({ length: count }, (_, n) => `bench-${total}-${count}-${n}`);
    return drain(stage, system, { streams, work: { total } });
  },

  figures([only]) {
    return { streams_1000_vs_1: ratio(only, '1000 streams', '1 stream', 'rate').median };
  },
};
