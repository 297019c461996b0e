import type { EventBus } from '../../../core/event-bus.js';
import type { BalancerMember, BalancerMembers } from '../../../ports/balancer-members.js';
import type {
  JoinOptions,
  OwnershipParts,
  StreamOwnership,
} from '../../../ports/stream-ownership.js';
import type { Commands } from '../connection/commands.js';
import type { Connector } from '../connection/connector.js';
import type { Keys } from '../keys/keys.js';
import type { ReadBudget } from '../held-entries/read-budget.js';
import { meetMembers } from './meet-members.script.js';
import { ClusterStreamLocks } from './locks/cluster.stream-locks.js';
import { ExpiryHints } from './expiry-hints.js';
import { RedisOwnedSubscription } from './reading/owned.subscription.js';
import { RedisStreamInputs } from './inputs/redis.stream-inputs.js';
import { RedisStreamLocks } from './locks/redis.stream-locks.js';

export interface RedisOwnershipOptions {
  readonly connector: Connector;
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
  readonly budget: ReadBudget;
}

/** Balances streams between consumers by the protocol of redis-stream-client-go. */
export class RedisOwnership implements StreamOwnership {
  constructor(private readonly options: RedisOwnershipOptions) {}

  join(join: JoinOptions): OwnershipParts {
    const group = `${join.service}-group`;
    const parts = { ...this.options, ...join, group };
    const inputs = new RedisStreamInputs(parts);
    const onCluster = parts.commands.topology !== undefined;
    // Each node of a cluster notifies of its own keys only. On a cluster everything is found by
    // looking.
    const hints = new ExpiryHints({ ...parts, hints: onCluster ? 'off' : join.hints });
    const locks = onCluster ? new ClusterStreamLocks(parts) : new RedisStreamLocks(parts);
    return {
      inputs,
      locks,
      subscribe: (options) =>
        new RedisOwnedSubscription({ ...this.options, ...join, ...options, locks }),
      members: this.members(join),
      open: async () => {
        await inputs.open();
        hints.open();
      },
      close: async () => {
        await Promise.all([inputs.close(), hints.close()]);
      },
    };
  }

  private members({ service, consumer }: JoinOptions): BalancerMembers {
    const { commands, keys } = this.options;
    const key = keys.members(service);
    const meeting = { members: key, handed: keys.handedInputs(service), consumer };
    return {
      meet: (saying, noted = []): Promise<BalancerMember[]> =>
        commands.run(
          'meeting the other consumers',
          (client) => meetMembers(client, { ...meeting, saying, noted }),
          key,
        ),
      leave: async () => {
        await commands.run('leaving', (client) => client.hdel(key, consumer), key);
      },
    };
  }
}
