export { memory, type MemoryOptions } from './memory.driver.js';
export { MemoryTransaction } from './memory.inbox.js';
export { MemoryBroker } from './broker/memory.broker.js';
export { ManualClock } from './manual-clock.js';
export {
  StreamsTestKit,
  type StreamsTestKitOptions,
  type TestDeadLetter,
} from './streams-test-kit.js';
