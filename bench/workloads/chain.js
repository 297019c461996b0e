// @ts-check
import { drain, NODE_US, RATE, REDIS_US } from '../draining.js';
import { ratio } from '../statistics.js';

const PLAIN = 'plain ack';
const CHAINED = 'next step';

/** @type {import('../types.js').Workload} */
export default {
  name: 'chain',
  title: 'Workflow chaining',
  text: 'Draining a backlog whose handler returns nothing, and one whose handler returns the next step: each message begins a workflow, is recorded, and its next step is published with its acknowledgement.',
  measures: [RATE, NODE_US, REDIS_US],

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
    const figures = await drain(stage, system, { work: { total: messages } });
    if (system === 'ours-chain') {
      const published = await stage.redis.xlen('bench-next');
      if (published !== messages) throw new Error(`${published} steps of ${messages} messages`);
      await stage.redis.del('bench-next');
    }
    return figures;
  },

  figures([only]) {
    const rate = ratio(only, CHAINED, PLAIN, 'rate').median;
    return { chain_cost: 1 / rate };
  },
};
