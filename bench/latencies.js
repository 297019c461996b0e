// @ts-check
import { setTimeout as pause } from 'node:timers/promises';
import { consumeAll } from './consuming.js';
import { percentile } from './statistics.js';

/** @type {readonly import('./types.js').Measure[]} */
export const LATENCIES = [
  { key: 'p50', label: 'p50 ms', digits: 2, compared: true, lessIsBetter: true },
  { key: 'p99', label: 'p99 ms', digits: 2, compared: true, lessIsBetter: true },
];

/**
 * How long messages take from just before one process publishes them, at a steady rate, until a handler
 * begins in another one.
 *
 * @param {import('./types.js').Run} run
 * @param {{ calm?: number, warmUpFor?: number }} [options] `calm`: the consumer waits for messages so
 * long before the first one leaves, ms. `warmUpFor`: a warm-up publishes for so long, s
 */
export async function latenciesOf(
  { stage, case: { rate = 0 }, entrant: { system, total = 0 }, warmUp },
  { calm = 1000, warmUpFor = 1 } = {},
) {
  const messages = warmUp ? rate * warmUpFor : total;
  const stream = stage.freshName('bench');
  const { url } = await stage.serverOf(system);
  const producer = await stage.child(system, 1);
  await producer.call('connect', { url, stream });
  const consuming = { streams: [stream], work: { total: messages, latency: true } };
  const { reports } = await consumeAll(stage, system, consuming, async () => {
    await pause(calm);
    await producer.call('pace', { total: messages, size: 200, rate });
  });
  await producer.call('disconnect');
  const latencies = reports[0]?.latencies ?? [];
  return { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
}
