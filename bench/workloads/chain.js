// @ts-check
import { consumeAll } from '../consuming.js';
import { ratio } from '../statistics.js';

const PLAIN = 'plain ack';
const CHAINED = 'next step';

/** @type {import('../types.js').Workload} */
export default {
  name: 'chain',
  title: 'Workflow chaining',
  text: 'Draining a backlog whose handler returns nothing, and one whose handler returns the next step: each message begins a workflow, is recorded, and its next step is published with its acknowledgement.',
  measures: [
    { key: 'rate', label: 'messages/s', compared: true },
    { key: 'nodeUs', label: 'Node µs per message', digits: 1 },
    { key: 'redisUs', label: 'Redis µs per message', digits: 1 },
  ],

  cases(quick) {
    const total = quick ? 30_000 : 200_000;
    const entrants = [
      { label: PLAIN, system: 'ours', total },
      { label: CHAINED, system: 'ours-chain', total },
    ];
    return [{ label: '200 B', baseline: PLAIN, entrants }];
  },

  async run({ stage, entrant: { system, total = 0 }, warmUp }) {
    const messages = warmUp ? total / 5 : total;
    const streams = [`bench-${messages}`];
    await stage.fill(system, { streams, total: messages, size: 200, retryDelay: 0 });
    const { rate, nodeUs, redisUs } = await consumeAll(stage, system, {
      streams,
      work: { total: messages },
    });
    if (system === 'ours-chain') {
      const published = await stage.redis.xlen('bench-next');
      if (published !== messages) throw new Error(`${published} steps of ${messages} messages`);
      await stage.redis.del('bench-next');
    }
    return { rate, nodeUs, redisUs };
  },

  figures([only]) {
    const rate = ratio(only, CHAINED, PLAIN, 'rate').median;
    return { chain_cost: 1 / rate };
  },
};
