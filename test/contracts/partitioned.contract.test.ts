import { describe, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { ManualClock, MemoryBroker } from '../../lib/drivers/memory/index.js';
import { driverContract } from '../../lib/testing/contracts/driver.contract.js';
import type { DriverHarness } from '../../lib/testing/world/driver-harness.js';
import { partitioned } from '../support/partitioned.js';

function harness(): DriverHarness {
  const clock = new ManualClock();
  const { factory, vanish } = partitioned(new MemoryBroker(clock));
  let names = 0;
  return {
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      factory.open({ events, keyPrefix }),
    elapse: (ms) => clock.advance(ms),
    now: () => clock.wallTime(),
    unique: (name) => `${name}-${++names}`,
    vanish,
    close: async () => undefined,
  };
}

driverContract({ describe, it }, 'partitioned', harness);
