/** How often reading is tried again. */
export interface BalancerRetry {
  /** Further tries in a row; -1: without end; 0: none. */
  readonly maxRetries: number;
  /** Wait before the first further try, in milliseconds. Doubles with each try. */
  readonly delay: number;
  /** Longest wait, in milliseconds. */
  readonly maxDelay: number;
}

/** The settings of one consumer of a service. */
export interface BalancerSettings {
  readonly service: string;
  readonly consumer: string;
  /**
   * An input that a consumer of another program has read and never locked is abandoned after this
   * time, in milliseconds.
   */
  readonly idleTime: number;
  /** Most pending inputs that one call reads. */
  readonly recoveryCount: number;
  readonly retry: BalancerRetry;
  readonly maxStreams: number;
  /** Time between two looks for abandoned streams, in milliseconds. */
  readonly scanInterval: number;
  /** Whether streams are handed over to consumers that own fewer. */
  readonly rebalance: boolean;
  readonly hints: 'configure' | 'listen' | 'off';
}

/**
 * Life of a lock that is not extended, in milliseconds. All programs that speak this protocol use
 * the same.
 */
export const LEASE = 2000;
/**
 * Time between two heartbeats, in milliseconds. The lock still holds while a handler blocks the
 * event loop for 1.5 s.
 */
export const HEARTBEAT = 300;
/** Longest wait of one read of inputs, in milliseconds. */
export const BLOCK = 5000;
/** Interval in which each consumer announces that it takes part, in milliseconds. */
export const MEETING = 1000;
/** A consumer that has announced nothing for this time does not count, in milliseconds. */
export const ABSENT_AFTER = 4000;
