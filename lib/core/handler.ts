import type { Delivery } from './delivery.js';
import type { Settlement } from './settlement.js';

/** Runs a delivery and says what should become of it. */
export type Handler = (delivery: Delivery) => Promise<Settlement>;

/**
 * One behaviour around a handler. Calls `next` once, or answers without it. What it throws counts as
 * a failed run, unless it stands before the policy that turns errors into settlements.
 */
export type Middleware = (delivery: Delivery, next: Handler) => Promise<Settlement>;

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
  /** Runs at a time. A handler that sets it is fed by a reader of its own. */
  readonly concurrency?: number;
  readonly maxDeliveries?: number;
  readonly backoff?: BackoffOptions;
  /** A run that takes longer has failed: its signal aborts, ms. */
  readonly timeout?: number;
  /** After so long an entry is no longer kept from other consumers, ms. */
  readonly maxHold?: number;
}

/** A method that wants messages, as the shell hands it to the engine. */
export interface HandlerDefinition {
  /** For errors and logs: `OrderController.process`. */
  readonly name: string;
  /** Event types; `*` matches any run of characters. */
  readonly events: readonly string[];
  readonly options: HandlerOptions;
  /** Runs the method to completion. Throwing is a failed run. */
  readonly invoke: Handler;
}

/** A handler with everything about it decided, as the pipeline uses it. */
export interface BoundHandler {
  readonly name: string;
  readonly maxDeliveries: number;
  readonly backoff: Required<BackoffOptions>;
  /** Undefined: runs as long as it likes. */
  readonly timeout: number | undefined;
  readonly maxHold: number;
  /** Undefined: bounded by the transport only. */
  readonly concurrency: number | undefined;
  readonly invoke: Handler;
}
