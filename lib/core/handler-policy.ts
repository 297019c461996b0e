import type { BackoffPolicy } from './backoff.js';
import type { OncePolicy } from './completion.js';
import type { DeadLetterStrategy } from './dead-letter-strategy.js';
import type { Message } from './message.js';

/** How messages are collected for a handler that takes many at a time. */
export interface BatchPolicy {
  /** Most messages of a batch. */
  readonly size: number;
  /** Longest time that the first message of a batch waits for more, ms. */
  readonly maxWait: number;
}

/**
 * Returns the key of a message; undefined where the message is in no order. May throw what a user's
 * function throws.
 */
export type OrderKey = (message: Message) => string | undefined;

/** Whether a handler runs a message. May throw what a user's function throws. */
export type MessageFilter = (message: Message) => boolean;

/** The options of a handler, all decided, as the pipeline uses them. */
export interface HandlerPolicy {
  /** `OrderController.process` */
  readonly name: string;
  /** @internal Identifies the decorated method: the same for each instance of its controller. */
  readonly origin?: object | undefined;
  /** @internal */
  readonly maxDeliveries: number;
  /** @internal */
  readonly backoff: BackoffPolicy;
  /** @internal In milliseconds. Undefined: no limit. */
  readonly timeout: number | undefined;
  /** @internal */
  readonly maxHold: number;
  /** @internal Undefined: only the transport limits it. */
  readonly concurrency: number | undefined;
  /** @internal Undefined: the default for the slots that are filled. */
  readonly deadLetter?: DeadLetterStrategy | undefined;
  /** @internal The handler answers requests. */
  readonly answers: boolean;
  /** @internal Undefined: the handler runs every message that reaches it. */
  readonly filter?: MessageFilter | undefined;
  /** @internal The handler completes each message that has a key once. */
  readonly dedupe?: OncePolicy | undefined;
  /** @internal The handler's effects are written together with the note that they were. */
  readonly inbox?: OncePolicy | undefined;
  /** @internal Deliveries are collected, and run together by `invokeBatch`. */
  readonly batch?: BatchPolicy | undefined;
  /** @internal The handler's results begin and continue workflows. */
  readonly chains: boolean;
  /** @internal A plain object counts as an instruction, too. */
  readonly plainInstructions: boolean;
  /** @internal Undefined: no order. */
  readonly orderBy?: OrderKey | undefined;
  /**
   * @internal The next run of a message may start in another process while an earlier run still
   * goes on here.
   */
  readonly overlap: boolean;
  /** @internal Runs of the handler never overlap, so an overrun keeps the handler's own slot. */
  readonly serial: boolean;
}
