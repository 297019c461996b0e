// @ts-check
import { readFileSync } from 'node:fs';

/** Of the clock in /proc, per second. */
const TICKS = 100;

/**
 * CPU time that a process has taken so far, µs. Where there is no /proc: NaN. A process that has ended: 0.
 *
 * @param {number} pid
 * @param {{ withEnded?: boolean }} [options] `withEnded`: with that of its children that have ended
 */
export function cpuOfProcess(pid, { withEnded = false } = {}) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    const ticks = [11, 12, ...(withEnded ? [13, 14] : [])].map((at) => Number(fields[at]));
    return (ticks.reduce((sum, value) => sum + value, 0) / TICKS) * 1e6;
  } catch {
    return process.platform === 'linux' ? 0 : NaN;
  }
}
