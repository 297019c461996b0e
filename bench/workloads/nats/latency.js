// @ts-check
import { setTimeout as pause } from 'node:timers/promises';
import { consumeAll } from '../../consuming.js';
import { figure, percentile, ratio } from '../../statistics.js';

const OURS = 'ours';
const BARE = 'consume()';
/** The consumer waits for messages before the first one leaves, ms. */
const CALM = 1000;

/** @type {import('../../types.js').Workload} */
export default {
  name: 'nats-latency',
  title: 'NATS: latency',
  text: 'From just before a message is published in one process until its handler begins in another one, at a steady rate. `consume()` and `js.publish()` are those of the client of NATS.',
  measures: [
    { key: 'p50', label: 'p50 ms', digits: 2, compared: true, lessIsBetter: true },
    { key: 'p99', label: 'p99 ms', digits: 2, compared: true, lessIsBetter: true },
  ],

  cases(quick) {
    return (quick ? [200] : [1000, 200]).map((rate) => ({
      label: `${rate}/s`,
      baseline: BARE,
      rate,
      entrants: [
        { label: BARE, system: 'nats-client', total: (quick ? 3 : 5) * rate },
        { label: OURS, system: 'ours-nats', total: (quick ? 3 : 5) * rate },
      ],
    }));
  },

  async run({ stage, case: { rate = 0 }, entrant: { system, total = 0 }, warmUp }) {
    const messages = warmUp ? rate : total;
    const stream = stage.freshName('bench');
    const { url } = await stage.nats();
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
      nats_latency_p50_vs_consume: ratio(first, OURS, BARE, 'p50').median,
      nats_latency_p50_ms: figure(first, OURS, 'p50').median,
      nats_latency_p99_ms: figure(first, OURS, 'p99').median,
    };
  },
};
