import type { TestRunner } from '../running/runner.js';
import type { DriverSetup } from '../world/driver-harness.js';
import { deadLettersContract } from './dead-letters.contract.js';
import { delaysContract } from './delays.contract.js';
import { groupAdminContract } from './group-admin.contract.js';
import { leaseStoreContract } from './lease-store.contract.js';
import { liveConsumersContract } from './live-consumers.contract.js';
import { repliesContract } from './replies.contract.js';
import { retentionContract } from './retention.contract.js';
import { sourceContract } from './source.contract.js';
import { stateStoreContract } from './state-store.contract.js';
import { streamOwnershipContract } from './stream-ownership.contract.js';
import { workflowStoreContract } from './workflow-store.contract.js';

/**
 * All contract suites, for a whole driver:
 *
 * ```ts
 * driverContract({ describe, it }, 'mine', () => new MyHarness());
 * ```
 *
 * A test of a port that the driver leaves out, or of what its `capabilities` deny, is skipped with
 * the reason.
 */
export function driverContract(runner: TestRunner, name: string, setup: DriverSetup): void {
  sourceContract(runner, name, setup);
  groupAdminContract(runner, name, setup);
  deadLettersContract(runner, name, setup);
  delaysContract(runner, name, setup);
  leaseStoreContract(runner, name, setup);
  liveConsumersContract(runner, name, setup);
  repliesContract(runner, name, setup);
  retentionContract(runner, name, setup);
  stateStoreContract(runner, name, setup);
  streamOwnershipContract(runner, name, setup);
  workflowStoreContract(runner, name, setup);
}
