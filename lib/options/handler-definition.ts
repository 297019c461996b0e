import type { BatchHandler, BoundHandler, Handler } from '../core/delivery.js';
import type { HandlerOptions } from './handler-options.js';

/** A method that takes messages, as the shell hands it to the engine. */
export interface HandlerDefinition {
  /** Name in errors and logs: `OrderController.process`. */
  readonly name: string;
  /** Event types; `*` matches any run of characters. */
  readonly events: readonly string[];
  /** Identifies the decorated method: the same for each instance of its controller. */
  readonly origin?: object | undefined;
  readonly options: HandlerOptions;
  /** It answers requests: `Delivery.request` where there is one. @default false */
  readonly answers?: boolean;
  /** The handler takes part in workflows: its results begin and continue them. @default false */
  readonly chains?: boolean;
  /** Runs the method to its end. A thrown error is a failed run. */
  readonly invoke: Handler;
  /** Runs a batch, for handlers that take batches. Called in place of `invoke`. */
  readonly invokeBatch?: BatchHandler;
}

/** A handler with all its options decided, and its group. */
export interface PlannedHandler {
  readonly definition: HandlerDefinition;
  readonly group: string;
  readonly bound: BoundHandler;
}
