import { DUE_TIME, type DueTime } from './due-time.js';
import type { Metadata } from '../core/message.js';
import { checked, flag } from '../core/option-schema/kinds.js';
import { declareOptions, isRecord, type Given } from '../core/option-schema/shape.js';
import { partitionKey } from './publish-options.js';
import { stepTarget } from './step-target.js';

const STEP_OPTIONS = declareOptions('next', {
  /** Texts that travel beside the payload. Trace headers travel without being named. @default none */
  metadata: checked<Metadata>('an object of texts', isRecord),
  /**
   * Published when this step, or a step that follows from it, is dead-lettered. Its payload is a
   * `WorkflowFailure`. The nearest hook counts. @default none
   */
  onFailure: stepTarget,
  /** Gives the partition of the step. @default the key of the message that it follows from */
  key: partitionKey,
});

/** Options of `next`. Times in milliseconds. */
export interface NextOptions extends DueTime, Given<typeof STEP_OPTIONS> {}

export const NEXT_OPTIONS = declareOptions(
  STEP_OPTIONS.of,
  { ...DUE_TIME.options, ...STEP_OPTIONS.options },
  ...DUE_TIME.rules,
);

export const FAN_OUT_OPTIONS = declareOptions('fanOut', {
  /** Published when every branch has completed. Its payload is a `JoinedResults`. @default no join */
  join: stepTarget,
  /**
   * True: the join runs even if branches failed. False: `onFailure` runs instead.
   * @default false
   */
  partial: flag(),
  /**
   * With a join: published once, instead of the join, when all branches have ended and some have
   * failed. Also covers the steps that follow from the join. Without a join: published for each
   * branch that fails. @default none
   */
  onFailure: stepTarget,
});

/** Options of `fanOut`, for all its steps. */
export interface FanOutOptions extends Given<typeof FAN_OUT_OPTIONS> {}

export const START_OPTIONS = declareOptions(
  'a workflow',
  {
    /**
     * A name for the workflow: 1 to 200 letters, digits and the characters `-_.:/`. Starting a
     * workflow of the same name again within `idempotencyWindow` starts no second one. @default a
     * random name
     */
    id: checked<string>(
      'a text of 1 to 200 letters, digits or characters of -_.:/',
      (value) => typeof value === 'string' && /^[\w\-.:/]{1,200}$/.test(value),
    ),
    /** Texts that travel beside the payload of the first step. @default none */
    metadata: NEXT_OPTIONS.options.metadata,
    /** Published when a step is dead-lettered for which no nearer hook is declared. @default none */
    onFailure: NEXT_OPTIONS.options.onFailure,
    /** Gives the partition of the first step, where the message source has partitions. @default none */
    key: partitionKey,
    /**
     * Delay of the first step, in milliseconds from now, by the server's clock. 0: at once. @default at
     * once
     */
    delay: DUE_TIME.options.delay,
    /**
     * Due time of the first step: a Date, or milliseconds since the epoch. Past: as soon as
     * possible. Not beside `delay`. @default at once
     */
    deliverAt: DUE_TIME.options.deliverAt,
  },
  ...DUE_TIME.rules,
);

/** Options for a workflow that is started. */
export interface StartOptions extends Given<typeof START_OPTIONS> {}
