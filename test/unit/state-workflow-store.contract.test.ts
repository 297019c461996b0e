import { describe, test } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { ManualClock, memory, MemoryBroker } from '../../lib/drivers/memory/index.js';
import { workflowStoreContract } from '../../lib/testing/contracts/workflow-store.contract.js';
import type { DriverHarness } from '../../lib/testing/world/driver-harness.js';
import { fileHarness } from '../../sample/file-driver/test/file.harness.js';
import { StateWorkflowStore } from '../../lib/workflows/state-store/state-workflow-store.js';

function harness(): DriverHarness {
  const clock = new ManualClock();
  const factory = memory({ broker: new MemoryBroker(clock) });
  let names = 0;
  return {
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) => {
      const driver = factory.open({ events, keyPrefix });
      return { ...driver, workflows: new StateWorkflowStore(driver.state!, clock) };
    },
    elapse: (ms) => clock.advance(ms),
    now: () => clock.wallTime(),
    unique: (name) => `${name}-${++names}`,
    close: async () => undefined,
  };
}

workflowStoreContract({ describe, it: test }, "memory's state store", harness);

/** A driver of another package, which has a state store and no workflows. */
function ofFiles(): DriverHarness {
  const clock = new ManualClock();
  const files = fileHarness({ clock });
  return {
    ...files,
    open: async (options) => {
      const driver = await files.open(options);
      return { ...driver, workflows: new StateWorkflowStore(driver.state!, clock) };
    },
    elapse: (ms) => clock.advance(ms),
    now: () => clock.wallTime(),
  };
}

workflowStoreContract({ describe, it: test }, "the file driver's state store", ofFiles);
