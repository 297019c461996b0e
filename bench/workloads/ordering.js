// @ts-check
import { consumeAll } from '../consuming.js';
import { ratio } from '../statistics.js';

const UNORDERED = 'unordered';
const ORDERED = 'orderBy, 1,000 keys';
const TOTAL = 60_000;

/** @type {import('../types.js').Workload} */
export default {
  name: 'ordering',
  title: 'What order costs',
  text: 'Draining a backlog in one stream at concurrency 100 with a handler that does nothing, without and with `orderBy`. A message starts once the one before it with the same key is settled, so that few keys mean few messages at a time.',
  measures: [
    { key: 'rate', label: 'messages/s', compared: true },
    { key: 'nodeUs', label: 'Node µs per message', digits: 1 },
    { key: 'redisUs', label: 'Redis µs per message', digits: 1 },
  ],

  cases() {
    const entrants = [
      { label: UNORDERED, system: 'ours' },
      { label: ORDERED, system: 'ours-ordered-1000' },
      { label: 'orderBy, 100 keys', system: 'ours-ordered-100' },
      { label: 'orderBy, 10 keys', system: 'ours-ordered-10' },
    ];
    return [{ label: '200 B', baseline: UNORDERED, entrants }];
  },

  async run({ stage, entrant: { system }, warmUp }) {
    const total = warmUp ? TOTAL / 5 : TOTAL;
    const streams = [`bench-${total}`];
    await stage.fill(system, { streams, total, size: 200, retryDelay: 0 });
    const { rate, nodeUs, redisUs } = await consumeAll(stage, system, { streams, work: { total } });
    return { rate, nodeUs, redisUs };
  },

  figures([only]) {
    return { ordering_vs_unordered: ratio(only, ORDERED, UNORDERED, 'rate').median };
  },
};
