import { systemClock, type Clock } from '../../core/clock.js';
import { ENTRY_IDS } from '../entry-ids/entry-id-format.js';
import type { DriverFactory } from '../../ports/driver.js';
import { checked, part, whole } from '../../core/option-schema/kinds.js';
import { refuse } from '../../core/option-schema/refuse.js';
import { declareOptions, type Given } from '../../core/option-schema/shape.js';
import { MemoryOwnership } from './ownership/memory.ownership.js';
import { MemoryBroker } from './broker/memory.broker.js';
import { MemoryCompletions } from './memory.completions.js';
import { MemoryDeadLetters } from './memory.dead-letters.js';
import { MemoryDelays } from './memory.delays.js';
import { MemoryGroupAdmin, MemoryGroups } from './memory.group-admin.js';
import { MemoryHeldEntries } from './memory.held-entries.js';
import { MemoryPendingEntries } from './memory.pending-entries.js';
import { MemoryInbox } from './memory.inbox.js';
import { MemoryLeaseStore } from './memory.lease-store.js';
import { MemoryLiveConsumers } from './memory.live-consumers.js';
import { MemoryReplies } from './memory.replies.js';
import { MemoryRetention } from './memory.retention.js';
import { MemorySource } from './memory.source.js';
import { MemoryStateStore } from './memory.state-store.js';
import { MemoryWorkflowStore } from './memory.workflow-store.js';

export const MEMORY_OPTIONS = declareOptions('memory', {
  /** The clock. Not used where a `broker` is given, which has its own. @default the system's */
  clock: part<Clock>('setTimeout', 'a clock'),
  /** Data to share with another `memory()`. @default its own */
  broker: checked<MemoryBroker>(
    'the broker of another memory()',
    (given) => given instanceof MemoryBroker,
  ),
  /**
   * Most keys that the state store keeps, of all that share the data. A new key above that is
   * refused with `STATE_STORE_FULL`, after expired keys were dropped.
   * @default 10000
   */
  maxKeys: whole(1).default(10_000),
});

export interface MemoryOptions extends Given<typeof MEMORY_OPTIONS> {}

/**
 * Streams in this process's memory, with the rules of Redis: groups, pending lists, reclaiming, dead
 * letters. For tests, and for applications that may lose everything when their process ends.
 *
 * Everything opened from one `memory()` shares its data, as connections to one server do.
 * @throws InvalidOptionsError
 */
export function memory(options: MemoryOptions = {}): DriverFactory {
  refuse(MEMORY_OPTIONS.problems(options));
  const { maxKeys } = MEMORY_OPTIONS.complete(options);
  const broker = options.broker ?? new MemoryBroker(options.clock);
  return {
    technology: 'memory',
    ids: ENTRY_IDS,
    ...(broker.clock !== systemClock && { clock: broker.clock }),
    open: (context) => {
      const { keyPrefix } = context;
      const source = new MemorySource(broker, context);
      const groups = new MemoryGroups(broker, keyPrefix, source);
      return {
        source,
        ids: ENTRY_IDS,
        state: new MemoryStateStore(broker, context, maxKeys),
        completions: new MemoryCompletions(broker, keyPrefix),
        inbox: new MemoryInbox(broker, keyPrefix),
        workflows: new MemoryWorkflowStore(broker, keyPrefix),
        deadLetters: new MemoryDeadLetters(broker, keyPrefix),
        delays: new MemoryDelays(broker, keyPrefix),
        groups: new MemoryGroupAdmin(groups),
        pending: new MemoryPendingEntries(groups),
        held: new MemoryHeldEntries(broker, keyPrefix),
        retention: new MemoryRetention(broker, keyPrefix),
        replies: new MemoryReplies(broker, keyPrefix),
        leases: new MemoryLeaseStore(broker, keyPrefix),
        live: new MemoryLiveConsumers(broker, keyPrefix),
        ownership: new MemoryOwnership(broker, context),
        unwrap: () => broker,
      };
    },
  };
}
