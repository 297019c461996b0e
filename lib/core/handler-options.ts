/** How long a failed run waits before the next one. */
export interface BackoffOptions {
  /** @default 'exponential' */
  readonly type?: 'fixed' | 'exponential';
  /** Wait after the first failed run, ms. @default 1000 */
  readonly delay?: number;
  /** Cap of the wait, ms. @default 60000 */
  readonly maxDelay?: number;
  /** Share of the wait that is random, 0 to 1: with 0.2 a wait of 1000 is 800 to 1000. @default 0.2 */
  readonly jitter?: number;
}

/** What becomes of an event type that no handler of the stream and group takes. */
export type UnmatchedPolicy = 'ack' | 'dead-letter' | 'leave';

/** What a handler may set for itself; the rest comes from the transport. */
export interface HandlerOptions {
  /** Streams to read, instead of those that routing gives for the events. */
  readonly streams?: readonly string[];
  readonly group?: string;
  /** Service whose streams are shared out by a load balancer: those that are owned are read. */
  readonly balanced?: string;
  /** Runs at a time. A handler that sets it is fed by a reader of its own. */
  readonly concurrency?: number;
  readonly maxDeliveries?: number;
  readonly backoff?: BackoffOptions;
  /** A run that takes longer has failed: its signal aborts, ms. */
  readonly timeout?: number;
  /** After so long an entry is no longer kept from other consumers, ms. */
  readonly maxHold?: number;
}
