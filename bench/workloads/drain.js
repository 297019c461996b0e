// @ts-check
import { consumeAll } from '../consuming.js';
import { figure, ratio } from '../statistics.js';

/** @type {import('../types.js').Workload} */
export default {
  name: 'drain',
  title: 'Draining a backlog',
  text: 'Messages that wait in one stream are handled by one process, concurrency 100; the handler does nothing. Slow systems get fewer messages, which does not change their rate.',
  quick: true,
  measures: [
    { key: 'rate', label: 'messages/s', compared: true },
    { key: 'nodeUs', label: 'Node µs per message', digits: 1 },
    { key: 'redisUs', label: 'Redis µs per message', digits: 1 },
  ],

  cases(quick) {
    const [many, few] = quick ? [50_000, 5_000] : [100_000, 20_000];
    const fast = [entrant('pool', many), entrant('ours', many)];
    if (quick) return [{ label: '200 B', baseline: 'pool', size: 200, entrants: [...fast, entrant('bullmq', few)] }];
    const all = [...fast, ...['tutorial', 'bullmq', 'nest-bullmq'].map((system) => entrant(system, few))];
    return [
      { label: '200 B', baseline: 'pool', size: 200, entrants: all },
      { label: '2 KB', baseline: 'pool', size: 2048, entrants: all },
    ];
  },

  async run({ stage, case: { size = 200 }, entrant: { system, total = 0 }, warmUp }) {
    const messages = warmUp ? total / 5 : total;
    const streams = [`bench-${messages}`];
    await stage.fill(system, { streams, total: messages, size, retryDelay: 100 });
    const { rate, nodeUs, redisUs, reports } = await consumeAll(stage, system, {
      streams,
      work: { total: messages },
    });
    return { rate, nodeUs, redisUs, peakMb: reports[0]?.peakMb ?? NaN };
  },

  figures(cases) {
    const { ours, pool, bullmq } = byLabel(cases[0]);
    return {
      drain_vs_pool: ratio(ours, pool, 'rate').median,
      drain_vs_bullmq: ratio(ours, bullmq, 'rate').median,
      drain_per_second: figure(ours, 'rate').median,
      node_us_per_message: figure(ours, 'nodeUs').median,
      redis_us_per_message: figure(ours, 'redisUs').median,
      peak_mb: figure(ours, 'peakMb').max,
    };
  },
};
