// @ts-check
import { setTimeout as pause } from 'node:timers/promises';
import { consumeAll } from '../consuming.js';
import { figure, percentile, ratio } from '../statistics.js';

/** The reader is blocked on an empty stream before the first message leaves, ms. */
const CALM = 200;

/** @type {import('../types.js').Workload} */
export default {
  name: 'latency',
  title: 'Latency',
  text: 'From just before a message is published in one process until its handler begins in another one, at a steady rate.',
  quick: true,
  measures: [
    { key: 'p50', label: 'p50 ms', digits: 2, compared: true, lessIsBetter: true },
    { key: 'p99', label: 'p99 ms', digits: 2, compared: true, lessIsBetter: true },
  ],

  cases(quick) {
    const systems = quick ? ['pool', 'ours'] : ['pool', 'ours', 'nest-redis', 'bullmq'];
    return (quick ? [1000] : [1000, 200]).map((rate) => ({
      label: `${rate}/s`,
      baseline: 'pool',
      rate,
      entrants: systems.map((system) => ({
        label: system,
        system,
        total: (quick ? 0.6 : 5) * rate,
      })),
    }));
  },

  async run({ stage, case: { rate = 0 }, entrant: { system, total = 0 }, warmUp }) {
    const messages = warmUp ? rate / 4 : total;
    const stream = stage.freshName('bench');
    const producer = await stage.child(system, 1);
    await producer.call('connect', { url: stage.url, stream });
    const consuming = { streams: [stream], work: { total: messages, latency: true } };
    const { reports } = await consumeAll(stage, system, consuming, async () => {
      await pause(CALM);
      await producer.call('pace', { total: messages, size: 200, rate });
    });
    await producer.call('disconnect');
    const latencies = reports[0]?.latencies ?? [];
    return { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
  },

  figures([fast]) {
    return {
      latency_p50_vs_pool: ratio(fast, 'ours', 'pool', 'p50').median,
      latency_p99_vs_pool: ratio(fast, 'ours', 'pool', 'p99').median,
      latency_p50_ms: figure(fast, 'ours', 'p50').median,
      latency_p99_ms: figure(fast, 'ours', 'p99').median,
    };
  },
};
