import { vi } from 'vitest';
import { IdSequence } from '../../lib/drivers/memory/broker/id-sequence.js';
import { memory, type MemoryOptions } from '../../lib/drivers/memory/memory.driver.js';
import type { DriverFactory } from '../../lib/ports/driver.js';
import type { IdFormat } from '../../lib/ports/id-format.js';
import { driverWith } from './driver-with.js';

/** Numbers, counted from 1 in each stream. */
export const NUMBER_IDS: IdFormat = {
  accepts: (id) => /^[1-9]\d{0,14}$/.test(id),
  compare: (a, b) => Number(a) - Number(b),
  expected: 'a number such as 17',
};

/**
 * The memory driver with ids that are numbers, as other technologies have them. All memory drivers of
 * the test have them, until `vi.restoreAllMocks`.
 */
export function memoryWithNumbers(options?: MemoryOptions): DriverFactory {
  const counts = new WeakMap<IdSequence, number>();
  vi.spyOn(IdSequence.prototype, 'next').mockImplementation(function (this: IdSequence) {
    const count = (counts.get(this) ?? 0) + 1;
    counts.set(this, count);
    return String(count);
  });
  const driver = driverWith(memory(options), () => ({ ids: NUMBER_IDS }));
  return { ...driver, technology: 'numbered', ids: NUMBER_IDS };
}
