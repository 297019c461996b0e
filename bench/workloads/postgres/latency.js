// @ts-check
import { setTimeout as pause } from 'node:timers/promises';
import { consumeAll } from '../../consuming.js';
import { figure, percentile } from '../../statistics.js';

const OURS = 'ours';
/** The consumer waits for messages before the first one leaves, ms. */
const CALM = 1000;

/** @type {import('../../types.js').Workload} */
export default {
  name: 'postgres-latency',
  title: 'PostgreSQL: latency',
  text: 'From just before a message is published in one process until its handler begins in another one, at a steady rate. Ours is woken by a hint (NOTIFY); pg-boss polls every half second, the shortest interval that it takes, and goes on at once while it finds jobs.',
  measures: [
    { key: 'p50', label: 'p50 ms', digits: 2, compared: true, lessIsBetter: true },
    { key: 'p99', label: 'p99 ms', digits: 2, compared: true, lessIsBetter: true },
  ],

  cases(quick) {
    return (quick ? [100] : [10, 100, 500]).map((rate) => ({
      label: `${rate}/s`,
      baseline: 'pg-boss',
      rate,
      entrants: ['pg-boss', OURS].map((label) => ({
        label,
        system: label === OURS ? 'ours-postgres' : label,
        total: (quick ? 3 : 10) * rate,
      })),
    }));
  },

  async run({ stage, case: { rate = 0 }, entrant: { system, total = 0 }, warmUp }) {
    const messages = warmUp ? rate : total;
    const stream = stage.freshName('bench');
    const { url } = await stage.postgres();
    const producer = await stage.child(system, 1);
    await producer.call('connect', { url, stream });
    const consuming = { streams: [stream], work: { total: messages, latency: true } };
    const { reports } = await consumeAll(stage, system, consuming, async () => {
      await pause(CALM);
      await producer.call('pace', { total: messages, size: 200, rate });
    });
    await producer.call('disconnect');
    const latencies = reports[0]?.latencies ?? [];
    return { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
  },

  figures([first]) {
    return {
      postgres_latency_p50_ms: figure(first, OURS, 'p50').median,
      postgres_latency_p99_ms: figure(first, OURS, 'p99').median,
    };
  },
};
