import { EventBus } from 'nestjs-redis-streams/driver';
import { ManualClock, type DriverHarness } from 'nestjs-redis-streams/testing';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { file, type FileOptions } from '../src/index.js';

/** A directory of its own for each test, whose time a test moves. */
export function fileHarness(options: Partial<FileOptions> = {}): DriverHarness {
  const directory = mkdtempSync(join(tmpdir(), 'file-driver-'));
  const clock = new ManualClock();
  const driver = file({ directory, clock, sync: false, ...options });
  let names = 0;
  return {
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      driver.open({ events, keyPrefix }),
    elapse: (ms) => clock.advance(ms),
    now: () => clock.wallTime(),
    unique: (name) => `${name}-${++names}`,
    close: async () => rmSync(directory, { recursive: true }),
  };
}
