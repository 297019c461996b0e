import type { EventBus } from '../../../core/event-bus.js';
import type { Settle } from '../../../ports/source.js';
import type {
  JoinOptions,
  OwnershipParts,
  StreamOwnership,
} from '../../../ports/stream-ownership.js';
import type { Database } from '../connection/database.js';
import type { Hints } from '../connection/hints.js';
import type { Listener } from '../connection/listener.js';
import { refuseLongNames } from '../sql/name-limit.js';
import type { Streams } from '../streams/streams.js';
import { PostgresBalancerMembers } from './postgres.balancer-members.js';
import { PostgresStreamInputs } from './postgres.stream-inputs.js';
import { PostgresStreamLocks } from './postgres.stream-locks.js';
import { PostgresOwnedSubscription } from './reading/postgres.owned-subscription.js';

export interface PostgresOwnershipOptions {
  readonly database: Database;
  readonly listener: Listener;
  readonly hints: Hints;
  readonly streams: Streams;
  readonly events: EventBus;
  readonly settle: Settle;
}

/**
 * Shares streams out between consumers. Lock, input and data are in one database, so each step
 * checks all of them together. There are no hints of expired locks: looks find abandoned streams.
 */
export class PostgresOwnership implements StreamOwnership {
  constructor(private readonly options: PostgresOwnershipOptions) {}

  join(join: JoinOptions): OwnershipParts {
    const parts = { ...join, ...this.options };
    const inputs = new PostgresStreamInputs(parts);
    const locks = new PostgresStreamLocks({ ...parts, inputs });
    const group = (): Promise<number> => inputs.group();
    return {
      inputs,
      locks,
      members: new PostgresBalancerMembers({ ...parts, prefix: parts.streams.prefix }),
      open: async () => {
        refuseLongNames({ group: join.service, consumer: join.consumer });
        await inputs.group();
      },
      subscribe: (options) =>
        new PostgresOwnedSubscription({ ...parts, ...options, locks, inputs: group }),
      close: async () => inputs.close(),
    };
  }
}
