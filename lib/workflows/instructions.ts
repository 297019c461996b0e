import { InvalidInstructionError } from '../core/errors/handling.errors.js';
import type { Metadata } from '../core/message.js';
import type { Problems } from '../core/option-schema/option.js';
import { targetOf, targetProblems, type StepTarget } from '../options/step-target.js';
import {
  FAN_OUT_OPTIONS,
  NEXT_OPTIONS,
  type FanOutOptions,
  type NextOptions,
} from '../options/workflow-options.js';

/**
 * A step as a plain object, as the first version of this protocol has it. Among the steps of
 * {@link fanOut} it always counts as a step. As the result of a method it does so only with the
 * option `plainInstructions`.
 */
export interface PlainInstruction<T = unknown> {
  /** Event type of the next step. */
  readonly next: string;
  /** Payload of the next step. */
  readonly payload?: T;
  /** In milliseconds from now, by the server's clock. */
  readonly delay?: number;
}

/** Several steps that are published at once. Made by {@link fanOut}. */
export interface FanOut extends FanOutOptions {
  /** The first step of each branch. */
  readonly steps: readonly StepLike[];
}

/** A join of more branches would not fit into one step of the server. */
const MOST_BRANCHES = 1000;

/**
 * Marks what `next` and `fanOut` make, so that two copies of this package recognise each other's.
 */
const MADE = Symbol.for('nestjs-redis-streams:workflow');
type Made = { readonly [MADE]?: 'next' | 'fan-out' };

const NO_OPTIONS: NextOptions = {};

/**
 * The next step of a workflow, as a `@StreamHandler` method returns it. {@link next} is the short
 * way to make one.
 *
 * ```ts
 * return new WorkflowInstruction('email.send', { orderId: order.id }, { delay: 5_000 });
 * ```
 */
export class WorkflowInstruction<T = unknown> implements NextOptions {
  /** Event type of the next step. */
  readonly next: string;
  /** Stream of the next step. Undefined: by routing. */
  declare readonly stream?: string;
  /** Payload of the next step. */
  declare readonly payload?: T;
  /** See `NextOptions`. */
  declare readonly delay?: number | undefined;
  /** See `NextOptions`. */
  declare readonly deliverAt?: Date | number | undefined;
  /** See `NextOptions`. */
  declare readonly metadata?: Metadata | undefined;
  /** See `NextOptions`. */
  declare readonly onFailure?: StepTarget | undefined;
  /** See `NextOptions`. */
  declare readonly key?: string | undefined;

  /** @throws InvalidInstructionError */
  constructor(target: StepTarget, payload?: T, options: NextOptions = NO_OPTIONS) {
    refuse(targetProblems(target, 'next'));
    if (options !== NO_OPTIONS) refuse(NEXT_OPTIONS.problems(options));
    const { stream, event } = targetOf(target);
    this.next = event;
    if (stream !== undefined) this.stream = stream;
    if (payload !== undefined) this.payload = payload;
    if (options !== NO_OPTIONS) Object.assign(this, options);
  }

  /** @internal */
  get [MADE](): 'next' {
    return 'next';
  }
}

/** A value that may be a step of a fan-out. */
type StepLike = WorkflowInstruction | PlainInstruction;

class MadeFanOut implements FanOut {
  declare readonly join?: StepTarget | undefined;
  declare readonly partial?: boolean | undefined;
  declare readonly onFailure?: StepTarget | undefined;

  constructor(
    readonly steps: readonly StepLike[],
    options: FanOutOptions,
  ) {
    Object.assign(this, options);
  }

  get [MADE](): 'fan-out' {
    return 'fan-out';
  }
}

/**
 * Makes the next step. A `@StreamHandler` method returns it. The step is published in one step with
 * the acknowledgement of the message that it follows from.
 *
 * ```ts
 * return next('email.send', { orderId: order.id }, { delay: 5_000 });
 * ```
 *
 * @throws InvalidInstructionError
 */
export function next<T>(
  target: StepTarget,
  payload?: T,
  options: NextOptions = NO_OPTIONS,
): WorkflowInstruction<T> {
  return new WorkflowInstruction(target, payload, options);
}

/**
 * Makes several steps, each the beginning of a branch. A bare list of steps does the same without
 * options.
 *
 * ```ts
 * return fanOut(order.parcels.map((parcel) => next('parcel.ship', parcel)), {
 *   join: 'order.shipped',
 *   onFailure: 'order.refund',
 * });
 * ```
 *
 * @throws InvalidInstructionError
 */
export function fanOut(steps: readonly StepLike[], options: FanOutOptions = {}): FanOut {
  if (!Array.isArray(steps) || steps.length === 0 || !steps.every(isStepLike)) {
    throw new InvalidInstructionError('A fan-out needs a list of steps that is not empty.');
  }
  if (steps.length > MOST_BRANCHES) {
    throw new InvalidInstructionError(
      `A fan-out has ${MOST_BRANCHES} steps at most, not ${steps.length}: nest several.`,
    );
  }
  refuse(FAN_OUT_OPTIONS.problems(options));
  return new MadeFanOut(steps, options);
}

/** @throws InvalidInstructionError */
function refuse(problems: Problems): void {
  if (problems.length > 0) throw new InvalidInstructionError(problems.join('; '));
}

/**
 * The steps that a result asks for. Undefined: the result is that of a terminal step.
 * @param plain whether a plain object is an instruction, too
 * @throws InvalidInstructionError for too many steps
 */
export function stepsIn(result: unknown, plain: boolean): FanOut | WorkflowInstruction | undefined {
  if (typeof result !== 'object' || result === null) return undefined;
  const isStep = plain ? isStepLike : isMadeStep;
  if (Array.isArray(result)) {
    return result.length > 0 && result.every(isStep) ? fanOut(result) : undefined;
  }
  if ((result as Made)[MADE] === 'fan-out') return result as FanOut;
  return isStep(result) ? (result as WorkflowInstruction) : undefined;
}

export const isFanOut = (steps: FanOut | WorkflowInstruction): steps is FanOut =>
  (steps as Made)[MADE] === 'fan-out';

/** The first event type of a result that consists of plain objects which look like instructions. */
export function lookalike(result: unknown): string | undefined {
  if (isPlain(result)) return result.next;
  if (!Array.isArray(result) || result.length === 0) return undefined;
  return result.every(isPlain) ? result[0]!.next : undefined;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const isMadeStep = (value: unknown): value is WorkflowInstruction =>
  isObject(value) && (value as Made)[MADE] === 'next';

/** A plain object whose only keys are those of an instruction. */
function isPlain(value: unknown): value is PlainInstruction {
  if (!isObject(value) || MADE in value) return false;
  if (typeof (value as { next?: unknown }).next !== 'string') return false;
  for (const key in value) if (key !== 'next' && key !== 'payload' && key !== 'delay') return false;
  return true;
}

const isStepLike = (value: unknown): value is StepLike => isMadeStep(value) || isPlain(value);
