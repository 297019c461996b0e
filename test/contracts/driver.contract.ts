import { describeClosingFromWithinContract } from './closing-from-within.contract.js';
import { describeDeadLettersContract } from './dead-letters.contract.js';
import { describeDelaysContract } from './delays.contract.js';
import { describeGroupAdminContract } from './group-admin.contract.js';
import { describeLeaseStoreContract } from './lease-store.contract.js';
import { describeRepliesContract } from './replies.contract.js';
import { describeRetentionContract } from './retention.contract.js';
import type { SourceHarness } from './source-harness.js';
import { describeSourceContract } from './source.contract.js';
import { describeStateStoreContract } from './state-store.contract.js';
import {
  describeStreamConsumerContract,
  type ConsumerHarness,
} from './stream-consumer.contract.js';
import { describeWorkflowStoreContract } from './workflow-store.contract.js';

/** With a connection of its own, closed after all tests. */
export const withDriver = (setup: () => Promise<SourceHarness>) => async () => {
  const harness = await setup();
  const driver = await harness.open();
  const close = async () => {
    await driver.source.close();
    await harness.close();
  };
  return { ...harness, driver, close };
};

/** What a driver with all ports promises, but for streams that are shared out, which not every one can. */
export function describeDriverContract(
  name: string,
  setup: () => Promise<SourceHarness>,
  consumers: () => ConsumerHarness,
): void {
  const open = withDriver(setup);
  describeSourceContract(name, setup);
  describeGroupAdminContract(name, setup);
  describeDelaysContract(name, setup);
  describeLeaseStoreContract(name, setup);
  describeRepliesContract(name, setup);
  describeRetentionContract(name, setup);
  describeStreamConsumerContract(name, consumers);
  describeClosingFromWithinContract(name, consumers);
  describeDeadLettersContract(name, async () => {
    const { driver, ...harness } = await open();
    return { ...harness, queue: driver.deadLetters! };
  });
  describeStateStoreContract(name, async () => {
    const { driver, ...harness } = await open();
    return { ...harness, store: driver.state! };
  });
  describeWorkflowStoreContract(name, async () => {
    const { driver, ...harness } = await open();
    return { ...harness, store: driver.workflows! };
  });
}
