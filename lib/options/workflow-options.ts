import { DUE_TIME, type DueTime } from './due-time.js';
import type { Metadata } from '../core/message.js';
import { checked, flag } from '../core/declaring/kinds.js';
import { declareOptions, isRecord, type Given } from '../core/declaring/shape.js';
import { stepTarget } from './step-target.js';

const STEP_OPTIONS = declareOptions('next', {
  /** Texts to travel beside the payload. Trace headers travel by themselves. */
  metadata: checked<Metadata>('an object of texts', isRecord),
  /**
   * Published when this step, or a later one that follows from it, is dead-lettered: with a
   * `WorkflowFailure` as its payload. The nearest hook counts.
   */
  onFailure: stepTarget,
});

/** What `next` may say of a step. Times in milliseconds. */
export interface NextOptions extends DueTime, Given<typeof STEP_OPTIONS> {}

export const NEXT_OPTIONS = declareOptions(
  STEP_OPTIONS.of,
  { ...DUE_TIME.options, ...STEP_OPTIONS.options },
  ...DUE_TIME.rules,
);

export const FAN_OUT_OPTIONS = declareOptions('fanOut', {
  /** Published once every branch has completed, with `JoinedResults` as its payload. */
  join: stepTarget,
  /**
   * True: the join runs although branches failed, too. False: then `onFailure` does instead.
   * @default false
   */
  partial: flag(),
  /**
   * With a join: published once, instead of it, when all branches have come to their end and some
   * failed. Without one: for each branch that fails. Covers what follows from the join, too.
   */
  onFailure: stepTarget,
});

/** What `fanOut` may say of all its steps. */
export interface FanOutOptions extends Given<typeof FAN_OUT_OPTIONS> {}
