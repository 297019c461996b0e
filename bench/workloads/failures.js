// @ts-check
import { consumeAll } from '../consuming.js';
import { ratio } from '../statistics.js';

const FAIL_EVERY = 10;
const RETRY_DELAY = 100;

/** @type {import('../types.js').Workload} */
export default {
  name: 'failures',
  title: 'One message in ten fails and is tried again',
  text: `The first run of every ${FAIL_EVERY}th message throws, the second one, ${RETRY_DELAY} ms later, succeeds. Each message is counted once.`,
  measures: [
    { key: 'rate', label: 'messages/s', compared: true },
    { key: 'nodeUs', label: 'Node µs per message', digits: 1 },
    { key: 'redisUs', label: 'Redis µs per message', digits: 1 },
  ],

  cases() {
    const entrants = [
      { label: 'ours', system: 'ours', total: 50_000 },
      { label: 'bullmq', system: 'bullmq', total: 10_000 },
    ];
    return [{ label: '10 % fail', baseline: 'bullmq', entrants }];
  },

  async run({ stage, entrant: { system, total = 0 }, warmUp }) {
    const messages = warmUp ? total / 5 : total;
    const streams = [`bench-${messages}`];
    const retryDelay = RETRY_DELAY;
    await stage.fill(system, { streams, total: messages, size: 200, retryDelay });
    const work = { total: messages, failEvery: FAIL_EVERY };
    const { rate, nodeUs, redisUs } = await consumeAll(stage, system, {
      streams,
      work,
      retryDelay,
    });
    return { rate, nodeUs, redisUs };
  },

  figures([only]) {
    return { failures_vs_bullmq: ratio(only, 'ours', 'bullmq', 'rate').median };
  },
};
