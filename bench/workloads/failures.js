// @ts-check
import { drain, NODE_US, RATE, REDIS_US } from '../draining.js';
import { ratio } from '../statistics.js';

const FAIL_EVERY = 10;
const RETRY_DELAY = 100;

/** @type {import('../types.js').Workload} */
export default {
  name: 'failures',
  title: 'One message in ten fails and is tried again',
  text: `The first run of every ${FAIL_EVERY}th message throws, the second one, ${RETRY_DELAY} ms later, succeeds. Each message is counted once.`,
  measures: [RATE, NODE_US, REDIS_US],

  cases() {
    const entrants = [
      { label: 'ours', system: 'ours', total: 50_000 },
      { label: 'bullmq', system: 'bullmq', total: 10_000 },
    ];
    return [{ label: '10 % fail', baseline: 'bullmq', entrants }];
  },

  async run({ stage, entrant: { system, total = 0 }, warmUp }) {
    const work = { total: warmUp ? total / 5 : total, failEvery: FAIL_EVERY };
    return drain(stage, system, { work, retryDelay: RETRY_DELAY });
  },

  figures([only]) {
    return { failures_vs_bullmq: ratio(only, 'ours', 'bullmq', 'rate').median };
  },
};
