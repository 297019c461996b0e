// @ts-check
import { drain, NODE_US, RATE, REDIS_US } from '../draining.js';
import { ratio } from '../statistics.js';

const PLAIN = 'plain';
const DEDUPE = 'dedupe';
const BATCH = 'batches of 100';

/** @type {import('../types.js').Workload} */
export default {
  name: 'dedupe',
  title: 'What once costs, and what batches save',
  text: 'Draining a backlog by one process, with a handler that does nothing: one message at a time; with `dedupe`, where each message is claimed before its run and marked with its acknowledgement; and in batches of 100. Relative to plain handlers.',
  measures: [RATE, NODE_US, REDIS_US],

  cases() {
    const entrants = [
      { label: PLAIN, system: 'ours' },
      { label: DEDUPE, system: 'ours-deduping' },
      { label: BATCH, system: 'ours-batching' },
    ].map((entrant) => ({ ...entrant, total: 150_000 }));
    return [{ label: '200 B', baseline: PLAIN, entrants }];
  },

  async run({ stage, entrant: { system, total = 0 }, warmUp }) {
    return drain(stage, system, { work: { total: warmUp ? total / 5 : total } });
  },

  figures([only]) {
    return {
      dedupe_cost: ratio(only, PLAIN, DEDUPE, 'rate').median,
      batches_vs_plain: ratio(only, BATCH, PLAIN, 'rate').median,
    };
  },
};
