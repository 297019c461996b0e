export { memory, type MemoryOptions } from './drivers/memory/memory.driver.js';
export { ManualClock } from './drivers/memory/manual-clock.js';
export { MemoryBroker } from './drivers/memory/broker/memory.broker.js';
export {
  StreamsTestKit,
  type StreamsTestKitOptions,
  type TestDeadLetter,
} from './drivers/memory/streams-test-kit.js';

// The contract suites.
export { deadLettersContract } from './testing/contracts/dead-letters.contract.js';
export { delaysContract } from './testing/contracts/delays.contract.js';
export { driverContract } from './testing/contracts/driver.contract.js';
export { groupAdminContract } from './testing/contracts/group-admin.contract.js';
export { leaseStoreContract } from './testing/contracts/lease-store.contract.js';
export { liveConsumersContract } from './testing/contracts/live-consumers.contract.js';
export { repliesContract } from './testing/contracts/replies.contract.js';
export { retentionContract } from './testing/contracts/retention.contract.js';
export { sourceContract } from './testing/contracts/source.contract.js';
export { stateStoreContract } from './testing/contracts/state-store.contract.js';
export { streamOwnershipContract } from './testing/contracts/stream-ownership.contract.js';
export { workflowStoreContract } from './testing/contracts/workflow-store.contract.js';
export type { TestRunner } from './testing/running/runner.js';
export type { DriverHarness, DriverSetup, OpenOptions } from './testing/world/driver-harness.js';
