import { describe, test } from 'vitest';
import { driverContract } from '../../lib/testing/contracts/driver.contract.js';
import type { DriverHarness } from '../../lib/testing/world/driver-harness.js';
import { describeClosingFromWithinContract } from './closing-from-within.contract.js';
import { describeCommitsContract } from './commits.contract.js';
import {
  describeStreamConsumerContract,
  type ConsumerHarness,
} from './stream-consumer.contract.js';

/** All contract suites for a driver, and what the engine promises with each driver. */
export function describeDriverContract(
  name: string,
  setup: () => Promise<DriverHarness>,
  consumers: () => ConsumerHarness,
): void {
  driverContract({ describe, it: test }, name, setup);
  describeStreamConsumerContract(name, consumers);
  describeClosingFromWithinContract(name, consumers);
  describeCommitsContract(name, consumers);
}
