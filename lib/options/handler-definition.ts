import type { BatchHandler, BoundHandler, Handler } from '../core/delivery.js';
import type { HandlerOptions } from './handler-options.js';

/** A method that wants messages, as the shell hands it to the engine. */
export interface HandlerDefinition {
  /** For errors and logs: `OrderController.process`. */
  readonly name: string;
  /** Event types; `*` matches any run of characters. */
  readonly events: readonly string[];
  /** Stands for the decorated method: the same for each instance of its controller. */
  readonly origin?: object | undefined;
  readonly options: HandlerOptions;
  /** It answers requests: `Delivery.request` where there is one. @default false */
  readonly answers?: boolean;
  /** It takes part in workflows: its results begin and continue them. @default false */
  readonly chains?: boolean;
  /** Runs the method to completion. Throwing is a failed run. */
  readonly invoke: Handler;
  /** Where it takes batches: runs one, instead of `invoke`. */
  readonly invokeBatch?: BatchHandler;
}

/** A handler with everything about it decided, and the group it belongs to. */
export interface PlannedHandler {
  readonly definition: HandlerDefinition;
  readonly group: string;
  readonly bound: BoundHandler;
}
