/** How often reading is tried again. */
export interface BalancerRetry {
  /** Further tries in a row; -1: without end; 0: none. */
  readonly maxRetries: number;
  /** Before the first of them, ms. Doubles with each. */
  readonly delay: number;
  /** ms */
  readonly maxDelay: number;
}

/** Everything that is decided about one consumer of a service. */
export interface BalancerSettings {
  readonly service: string;
  readonly consumer: string;
  /** An input that a stranger has read and never locked is abandoned after so long, ms. */
  readonly idleTime: number;
  /** Pending inputs that are looked at in one go. */
  readonly recoveryCount: number;
  readonly retry: BalancerRetry;
  readonly maxStreams: number;
  /** Between two looks for abandoned streams, ms. */
  readonly scanInterval: number;
  /** Whether streams are handed over to consumers that have fewer. */
  readonly rebalance: boolean;
  readonly hints: 'configure' | 'listen' | 'off';
}

/** Life of a lock that is not extended: the same for everybody who speaks this protocol, ms. */
export const LEASE = 2000;
/** Between two heartbeats, ms: with a handler that computes for 1.5 s the lock still holds. */
export const HEARTBEAT = 300;
/** Longest wait of one read of inputs, ms. */
export const BLOCK = 5000;
/** Each consumer says so often that it is there, ms. */
export const MEETING = 1000;
/** One that has said nothing for so long is not counted on, ms. */
export const ABSENT_AFTER = 4000;
