import { EventBus } from 'nestjs-redis-streams/driver';
import {
  ManualClock,
  memory,
  type DriverHarness,
} from 'nestjs-redis-streams/testing';

/** The memory driver, as the suites see it. Yours goes in its place. */
export function harness(): DriverHarness {
  const clock = new ManualClock();
  const driver = memory({ clock });
  let names = 0;
  return {
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      driver.open({ events, keyPrefix }),
    elapse: (ms) => clock.advance(ms),
    now: () => clock.wallTime(),
    unique: (name) => `${name}-${++names}`,
    close: async () => undefined,
  };
}
