import type { StreamPlace } from '../core/held-stream.js';
import type { BalancerMembers } from './balancer-members.js';
import type { OwnedSubscribeOptions, OwnedSubscription } from './owned-subscription.js';
import type { StreamInputs } from './stream-inputs.js';
import type { StreamLocks } from './stream-locks.js';

/**
 * Optional port: assigns whole streams to consumers. A service has one stream of inputs. Each input
 * names a data stream. The consumer that reads an input owns its data stream, for as long as it
 * keeps a lock alive.
 */
export interface StreamOwnership {
  /** Makes the parts for one consumer of one service. Connects to nothing before `open`. */
  join(options: JoinOptions): OwnershipParts;
}

export interface JoinOptions {
  readonly service: string;
  /** Name of this consumer. No other consumer of the service has it. */
  readonly consumer: string;
  /** A lock that is not extended for this time has expired, in milliseconds. */
  readonly lease: number;
  /** Longest wait of one `pull` for inputs, in milliseconds. */
  readonly blockTimeout: number;
  /**
   * Whether the driver configures the server to tell of expired locks, only listens, or neither.
   */
  readonly hints: 'configure' | 'listen' | 'off';
  /**
   * Called when a lock may have expired. The engine never relies on it: hints may be lost, late, or
   * about another service.
   */
  readonly onHint: (place: StreamPlace) => void;
  /** Called when the connection is back after an outage: hints may have been missed. */
  readonly onReconnected: () => void;
}

export interface OwnershipParts {
  readonly inputs: StreamInputs;
  readonly locks: StreamLocks;
  readonly members: BalancerMembers;
  /** @throws where the driver cannot create or reach what it needs */
  open(): Promise<void>;
  /** Reads the owned streams. */
  subscribe(options: OwnedSubscribeOptions): OwnedSubscription;
  /** Ends a `pull` that waits, and closes connections of its own. Idempotent. */
  close(): Promise<void>;
}
