import { flag } from '../../core/option-schema/kinds.js';
import { declareOptions, type Completed, type Given } from '../../core/option-schema/shape.js';

export const TRACING_OPTIONS = declareOptions('tracing', {
  /**
   * Whether each run begins a trace of its own, with a link to the message's. For consumers that run
   * long after the producer, or many times for one message. False: a run belongs to the trace of its
   * message, and has the link, too. Batches always begin a trace of their own. @default false
   */
  ownTrace: flag().default(false),
  /** Whether settlements of messages that ran have spans. @default true */
  settleSpans: flag().default(true),
});

/** How messages are traced. */
export interface TracingOptions extends Given<typeof TRACING_OPTIONS> {}

/** These options, with their defaults filled in. */
export type TracingSettings = Completed<typeof TRACING_OPTIONS>;
