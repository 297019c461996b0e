import type { Delivery } from './delivery.js';
import type { Metadata } from './message.js';
import type { Settlement, SettleOutcome } from './settlement.js';

/** A message that is about to be encoded. */
export interface MessageToSend {
  /** The stream that routing gave, or that the caller named. */
  readonly stream: string;
  readonly eventType: string;
  /** What the caller gave. */
  readonly metadata: Metadata | undefined;
}

/**
 * How messages are sent.
 * - `send`: they are published now.
 * - `request`: as `send`, and the caller waits for answers.
 * - `create`: they are stored, and published later by another part of the library: the outbox.
 */
export type SendingKind = 'send' | 'request' | 'create';

/** One call that sends messages, from before they are encoded until its outcome is known. */
export interface Sending {
  /**
   * All metadata with which to publish the message at this position of the call. Undefined: the
   * message keeps what the caller gave.
   */
  metadataOf(index: number): Metadata | undefined;
  /** Calls `work` in the asynchronous context of this call, and returns what `work` returns. */
  within<T>(work: () => T): T;
  /**
   * Called once. For a request: when the last answer has arrived, or is no longer waited for.
   * @param outcome the id or error of each message, or the error with which the call failed as a
   * whole. Undefined where neither is known: a request
   */
  ended(outcome?: readonly (string | Error)[] | Error): void;
}

/**
 * Watches messages from the producer to the settlement. Tracing is one implementation. The
 * library calls an instrumentation only where it can do what a listener of events cannot: add
 * metadata to messages, and run code in an asynchronous context.
 *
 * Not its job: to decide anything. It returns what it was given. Where a method throws, messages go on
 * as if there were no instrumentation, and `listener-failed` is raised.
 * docs/decisions/0038
 */
export interface Instrumentation {
  /**
   * Called before messages are encoded, once for each call of a producer.
   * @param messages at least one
   */
  sending(messages: readonly MessageToSend[], kind: SendingKind): Sending;
  /**
   * Runs a handler: with its guards, pipes, interceptors and filters, and with the middleware of the
   * application. Calls `work` once, and settles as the promise that `work` returns.
   * @param deliveries those of a batch, or one. `delivery.message` is decoded
   */
  run<T>(deliveries: readonly Delivery[], work: () => Promise<T>): Promise<T>;
  /**
   * Metadata for a message that follows from a delivery: the next step of a workflow. Called within
   * the run, or after it. Undefined: the trace headers of the delivery's own message are copied.
   */
  following(delivery: Delivery): Metadata | undefined;
  /**
   * Called once for each settlement, when its outcome is known. The delivery may have had no run, and
   * then {@link Delivery.instrumented} is undefined.
   */
  settled(delivery: Delivery, settlement: Settlement, outcome: SettleOutcome): void;
}

/**
 * Makes the instrumentation of one set of connections.
 * @param source `technology`: that of the message source, such as `redis`
 */
export type InstrumentationFactory = (source: { readonly technology: string }) => Instrumentation;
