import { EventBus } from '../../lib/core/event-bus.js';
import { ManualClock, memory, MemoryBroker } from '../../lib/drivers/memory/index.js';
import { describeDriverContract } from '../contracts/driver.contract.js';
import type { DriverHarness } from '../../lib/testing/world/driver-harness.js';

async function harness(): Promise<DriverHarness> {
  const clock = new ManualClock();
  const broker = new MemoryBroker(clock);
  const factory = memory({ broker });
  let names = 0;
  return {
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      factory.open({ events, keyPrefix }),
    elapse: (ms) => clock.advance(ms),
    now: () => clock.wallTime(),
    unique: (name) => `${name}-${++names}`,
    trim: async (stream, id) => {
      broker.deleteEntry(stream, id);
    },
    // Attempts live as long as the broker: beyond each connection, though not beyond the process.
    countsAttempts: true,
    close: async () => undefined,
  };
}

describeDriverContract('memory', harness, () => ({ source: memory(), unique: (name) => name }));
