import { EventBus } from '../../lib/core/events.js';
import { ManualClock, memory, MemoryBroker } from '../../lib/drivers/memory/index.js';
import { describeDeadLettersContract } from '../contracts/dead-letters.contract.js';
import { describeGroupAdminContract } from '../contracts/group-admin.contract.js';
import { describeDelaysContract } from '../contracts/delays.contract.js';
import { describeLeaseStoreContract } from '../contracts/lease-store.contract.js';
import { describeRepliesContract } from '../contracts/replies.contract.js';
import { describeRetentionContract } from '../contracts/retention.contract.js';
import { describeSourceContract } from '../contracts/source.contract.js';
import { describeStateStoreContract } from '../contracts/state-store.contract.js';
import { describeStreamConsumerContract } from '../contracts/stream-consumer.contract.js';
import { describeWorkflowStoreContract } from '../contracts/workflow-store.contract.js';

function setup() {
  const clock = new ManualClock();
  const broker = new MemoryBroker(clock);
  const factory = memory({ broker });
  let names = 0;
  return {
    broker,
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      factory.open({ events, keyPrefix }),
    elapse: (ms: number) => clock.advance(ms),
    now: () => clock.now(),
    unique: (name: string) => `${name}-${++names}`,
    close: async () => {},
  };
}

async function setupWithTrim() {
  const harness = setup();
  const trim = async (stream: string, id: string) => {
    harness.broker.deleteEntry(stream, id);
  };
  // Attempts live as long as the broker: beyond each connection, though not beyond the process.
  return { ...harness, trim, countsAttempts: true };
}

describeSourceContract('memory', setupWithTrim);

describeGroupAdminContract('memory', setupWithTrim);

describeDelaysContract('memory', async () => setup());

describeLeaseStoreContract('memory', async () => setup());

describeRepliesContract('memory', async () => setup());

describeRetentionContract('memory', async () => setup());

describeDeadLettersContract('memory', async () => {
  const harness = setup();
  return { ...harness, queue: (await harness.open()).deadLetters! };
});

describeStreamConsumerContract('memory', () => ({ source: memory(), unique: (name) => name }));

describeStateStoreContract('memory', async () => {
  const harness = setup();
  return { ...harness, store: (await harness.open()).state! };
});

describeWorkflowStoreContract('memory', async () => {
  const harness = setup();
  return { ...harness, store: (await harness.open()).workflows! };
});
