import type { ConsumerParts } from '../consuming/consumer-options.js';
import type { DedupeStores } from '../consuming/dedupe/dedupe-stores.js';
import { liveParts, registryOf } from '../consuming/live-consumers/live-parts.js';
import { FilteredTypes } from '../consuming/plan/filtered-types.js';
import { Slots, slotsFor } from '../consuming/plan/slots.js';
import { deadLetterParts } from '../consuming/settling/strategies/required-strategies.js';
import type { When } from '../core/message.js';
import type { ResolvedOptions } from '../options/streams-options.js';
import type { Driver } from '../ports/driver.js';
import type { BoundSlots } from './slots/bound-slots.js';

/**
 * Entries that have killed a process before run one at a time, across all transports of this
 * process.
 */
const suspectLane = new Slots(1);

type Shared = Pick<
  ConsumerParts,
  'chaining' | 'clock' | 'events' | 'instruments' | 'overruns' | 'readers'
>;

/** What a runtime has made before its consumers. */
interface Made extends Shared {
  readonly options: ResolvedOptions;
  readonly slots: BoundSlots;
  readonly driver: Driver;
  readonly commits: Pick<ConsumerParts, 'recorders'>;
}

/** The parts that all consumers of a runtime share, from the parts that it has made already. */
export function consumerPartsOf(
  runtime: Made,
  dedupe: DedupeStores,
  onScheduled: (stream: string, when: When) => void,
): ConsumerParts {
  const { options, slots, driver, events, clock, chaining, commits } = runtime;
  const { instruments, overruns, readers } = runtime;
  return {
    ...dedupe,
    ...deadLetterParts(slots, events),
    source: driver.source,
    replies: driver.replies,
    chaining,
    recorders: commits.recorders,
    instruments,
    clock,
    events,
    slots: slotsFor(options.concurrency, options.maxOverrun),
    overruns,
    readers,
    gates: new Map(),
    suspectLane,
    onScheduled,
    live: liveParts(options, registryOf(driver), events, clock),
    filteredTypes: new FilteredTypes(events),
  };
}
