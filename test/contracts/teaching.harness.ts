import { EventBus } from 'nestjs-redis-streams/driver';
import { ManualClock, type DriverHarness } from 'nestjs-redis-streams/testing';
import { teaching } from './teaching.driver.js';

export function teachingHarness(): DriverHarness {
  const clock = new ManualClock();
  const driver = teaching(clock);
  let names = 0;
  return {
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      driver.open({ events, keyPrefix }),
    elapse: (ms) => clock.advance(ms),
    now: () => clock.now(),
    unique: (name) => `${name}-${++names}`,
    // Attempts live in this process, and every connection of a test is in it.
    countsAttempts: true,
    close: async () => undefined,
  };
}
