import type { DriverContext } from '../../../ports/driver.js';
import type {
  JoinOptions,
  OwnershipParts,
  StreamOwnership,
} from '../../../ports/stream-ownership.js';
import type { MemoryBroker } from '../broker/memory.broker.js';
import { MemoryOwnedSubscription } from './memory.owned-subscription.js';
import { MemoryStreamInputs } from './memory.stream-inputs.js';
import { MemoryStreamLocks } from './memory.stream-locks.js';

/**
 * Streams that the consumers of one broker share out. There are no hints: looks find abandoned
 * streams.
 */
export class MemoryOwnership implements StreamOwnership {
  constructor(
    private readonly broker: MemoryBroker,
    private readonly context: DriverContext,
  ) {}

  join({ service: name, consumer, lease, blockTimeout }: JoinOptions): OwnershipParts {
    const { broker, context } = this;
    const { keyPrefix } = context;
    const inputs = new MemoryStreamInputs({
      ...{ broker, keyPrefix, consumer, blockTimeout },
      service: name,
    });
    const service = broker.service(keyPrefix + name);
    const locks = new MemoryStreamLocks({ broker, keyPrefix, consumer, lease, inputs, service });
    return {
      inputs,
      locks,
      members: service.memberAs(consumer),
      subscribe: (options) =>
        new MemoryOwnedSubscription({ ...options, broker, context, locks, consumer }),
      open: async () => undefined,
      close: async () => inputs.close(),
    };
  }
}
