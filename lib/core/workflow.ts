import type { DueTime } from './due-time.js';
import { InvalidMessageError } from './errors/publishing.errors.js';
import type { Metadata } from './message.js';

/** Where a step goes: an event type, which routing sends to its stream, or one with its stream. */
export type StepTarget = string | { readonly stream: string; readonly event: string };

/**
 * The next step of a workflow, as a `@StreamHandler` method returns it. Write it out, or let
 * {@link next} make it, which knows more options.
 */
export interface WorkflowInstruction<T = unknown> {
  /** Event type of the next step. */
  readonly next: string;
  readonly payload?: T;
  /** So many ms from now, by the server's clock. */
  readonly delay?: number;
}

/** What {@link next} may say of a step. Times in ms. */
export interface NextOptions extends DueTime {
  /** Texts to travel beside the payload. Trace headers travel by themselves. */
  readonly metadata?: Metadata;
  /**
   * Published when this step, or a later one that follows from it, is dead-lettered: with a
   * {@link WorkflowFailure} as its payload. The nearest hook counts.
   */
  readonly onFailure?: StepTarget;
}

/** What {@link fanOut} may say of all its steps. */
export interface FanOutOptions {
  /** Published once every branch has completed, with {@link JoinedResults} as its payload. */
  readonly join?: StepTarget;
  /**
   * True: the join runs although branches failed, too. False: then `onFailure` does instead.
   * @default false
   */
  readonly partial?: boolean;
  /**
   * With a join: published once, instead of it, when all branches have come to their end and some
   * failed. Without one: for each branch that fails. Covers what follows from the join, too.
   */
  readonly onFailure?: StepTarget;
}

/** A step with all that is known of it. Made by {@link next}. */
export interface NextStep<T = unknown> extends WorkflowInstruction<T>, NextOptions {
  readonly stream?: string;
}

/** Several steps at once. Made by {@link fanOut}. */
export interface FanOut extends FanOutOptions {
  readonly steps: readonly WorkflowInstruction[];
}

/** Payload of a join: what the last step of each branch returned, in the order of the fan-out. */
export interface JoinedResults<T = unknown> {
  /** Null where a branch failed, or returned nothing. */
  readonly results: readonly (T | null)[];
  /** Of a `partial` join. */
  readonly failures?: readonly BranchFailure[];
}

/** A branch of a fan-out that failed. */
export interface BranchFailure {
  /** Its place in the fan-out. */
  readonly index: number;
  /** Why; see {@link WorkflowFailure.reason}. */
  readonly reason: string;
  readonly error?: { readonly name: string; readonly message: string };
  /** Of the step that failed. */
  readonly event?: string;
  readonly payload?: unknown;
}

/** Payload of an `onFailure` step. */
export interface WorkflowFailure<T = unknown> {
  readonly workflow: string;
  /** Place of the step that failed, or of the fan-out. */
  readonly step: string;
  /** Event type of the step that failed. Of a fan-out: undefined. */
  readonly event?: string;
  /** Reason of its dead letter; `branches-failed` of a fan-out. */
  readonly reason: string;
  readonly error?: { readonly name: string; readonly message: string };
  /** Payload of the step that failed. Left out where it cannot be read, or makes this too large. */
  readonly payload?: T;
  /** Of a fan-out: what its branches came to. */
  readonly results?: readonly unknown[];
  readonly failures?: readonly BranchFailure[];
}

/** More could not be joined in one step. */
const MOST_BRANCHES = 1000;

/** On what the helpers made, so that it is known from results that merely look alike. */
const MADE = Symbol.for('nestjs-redis-streams:workflow');
type Made = { readonly [MADE]?: 'next' | 'fan-out' };

const NO_OPTIONS: NextOptions = {};

class MadeStep<T> implements NextStep<T> {
  readonly next: string;
  declare readonly stream?: string;
  declare readonly payload?: T;
  declare readonly delay?: number;
  declare readonly deliverAt?: Date | number;
  declare readonly metadata?: Metadata;
  declare readonly onFailure?: StepTarget;

  constructor(event: string, stream: string | undefined, payload: T | undefined, options: object) {
    this.next = event;
    if (stream !== undefined) this.stream = stream;
    if (payload !== undefined) this.payload = payload;
    if (options !== NO_OPTIONS) Object.assign(this, options);
  }

  get [MADE](): 'next' {
    return 'next';
  }
}

class MadeFanOut implements FanOut {
  declare readonly join?: StepTarget;
  declare readonly partial?: boolean;
  declare readonly onFailure?: StepTarget;

  constructor(
    readonly steps: readonly WorkflowInstruction[],
    options: FanOutOptions,
  ) {
    Object.assign(this, options);
  }

  get [MADE](): 'fan-out' {
    return 'fan-out';
  }
}

/**
 * The next step, to be returned by a `@StreamHandler` method. It is published in one step with the
 * acknowledgement of the message that it follows from.
 *
 * ```ts
 * return next('email.send', { orderId: order.id }, { delay: 5_000 });
 * ```
 *
 * @throws InvalidMessageError
 */
export function next<T>(
  target: StepTarget,
  payload?: T,
  options: NextOptions = NO_OPTIONS,
): NextStep<T> {
  const { stream, event } = targetOf(target, 'next');
  if (options.onFailure !== undefined) targetOf(options.onFailure, 'onFailure');
  return new MadeStep(event, stream, payload, options);
}

/**
 * Several steps at once, each the beginning of a branch. A bare list of steps does the same without
 * options.
 *
 * ```ts
 * return fanOut(order.parcels.map((parcel) => next('parcel.ship', parcel)), {
 *   join: 'order.shipped',
 *   onFailure: 'order.refund',
 * });
 * ```
 *
 * @throws InvalidMessageError
 */
export function fanOut(steps: readonly WorkflowInstruction[], options: FanOutOptions = {}): FanOut {
  if (!Array.isArray(steps) || steps.length === 0 || !steps.every(isStep)) {
    throw new InvalidMessageError('A fan-out needs a list of steps that is not empty.');
  }
  if (steps.length > MOST_BRANCHES) {
    throw new InvalidMessageError(
      `A fan-out has ${MOST_BRANCHES} steps at most, not ${steps.length}: nest several.`,
    );
  }
  if (options.join !== undefined) targetOf(options.join, 'join');
  if (options.onFailure !== undefined) targetOf(options.onFailure, 'onFailure');
  return new MadeFanOut(steps, options);
}

/** Stream and event type. @throws InvalidMessageError */
export function targetOf(
  target: StepTarget,
  what: string,
): { readonly stream?: string; readonly event: string } {
  const given = typeof target === 'string' ? { event: target } : target;
  const { event, stream } = (given ?? {}) as { event?: unknown; stream?: unknown };
  if (!isText(event) || (stream !== undefined && !isText(stream))) {
    throw new InvalidMessageError(
      `${what} must be an event type, or { stream, event }: texts that are not empty.`,
    );
  }
  return given as { event: string; stream?: string };
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** The steps that a result asks for. Undefined: it is the result of a terminal step. */
export function stepsIn(result: unknown): FanOut | NextStep | undefined {
  if (typeof result !== 'object' || result === null) return undefined;
  if (Array.isArray(result)) {
    return result.length > 0 && result.every(isStep) ? fanOut(result) : undefined;
  }
  if ((result as Made)[MADE] === 'fan-out') return result as FanOut;
  return isStep(result) ? (result as NextStep) : undefined;
}

export const isFanOut = (steps: FanOut | NextStep): steps is FanOut =>
  (steps as Made)[MADE] === 'fan-out';

/** Made by `next`, or a plain object whose only keys are those of an instruction. */
function isStep(value: unknown): value is WorkflowInstruction {
  if (typeof value !== 'object' || value === null) return false;
  if (MADE in value) return (value as Made)[MADE] === 'next';
  if (typeof (value as { next?: unknown }).next !== 'string') return false;
  for (const key in value) if (key !== 'next' && key !== 'payload' && key !== 'delay') return false;
  return true;
}
