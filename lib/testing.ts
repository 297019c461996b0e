export { memory, type MemoryOptions } from './drivers/memory/memory.driver.js';
export { ManualClock } from './drivers/memory/manual-clock.js';
export { MemoryBroker } from './drivers/memory/broker/memory.broker.js';
export {
  StreamsTestKit,
  type StreamsTestKitOptions,
  type TestDeadLetter,
} from './drivers/memory/streams-test-kit.js';
