import type { Message } from './message.js';
import type { OrderBy } from './order-by.js';

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

/**
 * What a message is known by: its id; the key that it was published with, and its id where there is
 * none; or what a function of the decoded message answers, undefined for a message that may be
 * handled any number of times.
 */
export type DedupeKey = 'message' | 'idempotencyKey' | ((message: Message) => string | undefined);

/** By what a message is known as one that was handled before, and for how long. */
export interface DedupeOptions {
  /** @default 'message' */
  readonly key?: DedupeKey;
  /** How long it is remembered that a message was handled, ms. @default 3600000 */
  readonly ttl?: number;
}

/** How messages are collected for a handler that is given many at a time. */
export interface BatchOptions {
  /** Most messages of a batch. */
  readonly size: number;
  /** Longest time that the first message of a batch waits for more, ms. @default 1000 */
  readonly maxWait?: number;
}

/** What a handler may set for itself; the rest comes from the transport. */
export interface HandlerOptions {
  /** Streams to read, instead of those that routing gives for the events. */
  readonly streams?: readonly string[];
  /** Consumer group. @default that of the transport */
  readonly group?: string;
  /** Service whose streams are shared out by a load balancer: those that are owned are read. */
  readonly balanced?: string;
  /** Runs at a time. Its stream is read by a reader of its own then. @default the bound of the transport */
  readonly concurrency?: number;
  /** Runs in all before the dead letter queue. @default that of the transport */
  readonly maxDeliveries?: number;
  /** Wait between runs. @default that of the transport */
  readonly backoff?: BackoffOptions;
  /** A run that takes longer, ms, has failed: its signal aborts. @default none */
  readonly timeout?: number;
  /**
   * Messages with the same key run one after the other, in the order of the stream; those with other
   * keys beside them. One process at a time reads the stream for the group. Takes events only.
   */
  readonly orderBy?: OrderBy;
  /** After so long, ms, an entry is no longer kept from other consumers. @default that of the transport */
  readonly maxHold?: number;
  /**
   * Acknowledges messages that the handler has completed before, without a run. `true` is
   * `'message'`. @default false
   */
  readonly dedupe?: boolean | 'message' | 'idempotencyKey' | DedupeOptions;
  /** Writes what the handler writes together with the note that it was handled. @default false */
  readonly inbox?: boolean | 'message' | 'idempotencyKey' | DedupeOptions;
  /**
   * Whether a plain object `{ next, payload?, delay? }` that the method returns is an instruction, as
   * what `next()` makes. @default that of the transport
   */
  readonly plainInstructions?: boolean;
  /** Gives the handler many messages at a time. @default one */
  readonly batch?: BatchOptions;
}
