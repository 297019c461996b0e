// @ts-check
import { consumeAll } from './consuming.js';

export const STEP = 100_000;

/** @type {readonly import('./types.js').Measure[]} */
export const MEMORY = [
  { key: 'peakMb', label: 'peak MB' },
  { key: 'grownMb', label: 'MB grown after the first 100,000', digits: 1 },
  { key: 'rate', label: 'messages/s' },
];

/**
 * Resident memory of a consumer that has just started, after each {@link STEP} messages of 200 B of a
 * backlog.
 *
 * @param {import('./types.js').Run} run
 */
export async function memoryCurve({ stage, entrant: { system, total = 0 } }) {
  const streams = ['bench'];
  await stage.fill(system, { streams, total, size: 200, retryDelay: 0 });
  const work = { total, memoryEvery: STEP };
  const { rate, peakMb, reports } = await consumeAll(stage, system, { streams, work });
  const steps = reports[0]?.memory ?? [];
  const grownMb = (steps.at(-1) ?? NaN) - (steps[0] ?? NaN);
  const curve = steps.map((mb, index) => [`mbAfter${index + 1}`, mb]);
  return { rate, peakMb, grownMb, ...Object.fromEntries(curve) };
}
