import type { Clock } from '../core/clock.js';
import type { Codec } from '../core/codecs/codec.js';
import type { Delivery } from '../core/delivery.js';
import { waitUntil, type DueTime } from '../options/due-time.js';
import { endedStep, type EndedStep, type NextPlace } from './ended-step.js';
import { errorRecord } from '../core/errors/error-record.js';
import { ClosedError, UnsupportedFeatureError } from '../core/errors/start-up.errors.js';
import type { EventBus } from '../core/event-bus.js';
import type { Instruments } from '../core/instruments.js';
import type { Metadata, OutgoingEntry } from '../core/message.js';
import { ack, deadLetter, type Ack, type Settlement } from '../core/settlement.js';
import { targetOf } from '../options/step-target.js';
import { isFanOut, stepsIn, type FanOut, type WorkflowInstruction } from './instructions.js';
import {
  placeToText,
  placeOf,
  rootPlace,
  stepAfter,
  stepInBranch,
  type JoinScope,
  type Scope,
  type ScopedPlace,
} from './workflow-place.js';
import { carriesMetadata } from '../core/codecs/carries-metadata.js';
import { hooksOf, withHook } from './failure-hooks.js';
import { Lookalikes } from './lookalikes.js';
import { joinableResult, jsonOf } from './step-result.js';
import { reportOf } from './step-report.js';
import { traceOf, travelling } from './step-metadata.js';

/** A step to publish. */
export interface StepMessage extends DueTime {
  readonly eventType: string;
  readonly payload: unknown;
  readonly stream?: string | undefined;
  readonly metadata?: Metadata;
  readonly key?: string | undefined;
}

export interface NextStepsOptions {
  /** Routes, encodes and checks a message, as every producer does. */
  readonly encode: (message: StepMessage) => OutgoingEntry;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly maxPayloadBytes: number;
  readonly technology: string;
  readonly instruments?: Instruments | undefined;
  /** Whether there is a store for workflows. Joins need one. */
  readonly stored: boolean;
}

/** Longest result of a terminal step that is kept, in characters of JSON. */
const LONGEST_RESULT = 16_384;

/**
 * Turns the result of a handler into an acknowledgement with the steps that follow and the report
 * of the step.
 */
export class NextSteps {
  private metadataTravels: boolean | undefined;
  private readonly lookalikes: Lookalikes;

  constructor(private readonly options: NextStepsOptions) {
    this.lookalikes = new Lookalikes(options.events);
  }

  /**
   * @param result what the exception filters returned
   * @param own what the method itself returned: its instruction counts where `result` has none
   * @returns a dead letter where the steps can never be published
   * @throws ClosedError
   */
  chain(delivery: Delivery, result: unknown, own: unknown): Settlement {
    try {
      const { plainInstructions } = delivery.handler!;
      const steps = stepsIn(result, plainInstructions) ?? stepsIn(own, plainInstructions);
      if (steps) return this.proceed(delivery, steps);
      this.notice(delivery, result, own);
      const place = placeOf(delivery);
      return place ? this.end(delivery, place, result) : ack;
    } catch (error) {
      if (error instanceof ClosedError) throw error;
      // Another run would fail in the same way, and repeat the effects of this run.
      return deadLetter('unrecoverable', errorRecord(error));
    }
  }

  /** Reports a result that looks like an instruction and is none. */
  notice(delivery: Delivery, result: unknown, own?: unknown): void {
    this.lookalikes.look(delivery, result, own);
  }

  private proceed(delivery: Delivery, steps: FanOut | WorkflowInstruction): Ack {
    this.refuseBareCodecs();
    refuseInbox(delivery);
    const place = placeOf(delivery) ?? rootPlace(delivery);
    const next: NextPlace[] = [];
    // `Array.of` and no literal, because the list outlives its run: see docs/decisions/0015.
    const publish = isFanOut(steps)
      ? this.branches(delivery, place, steps, next)
      : Array.of(this.step(delivery, place.id, stepAfter(place.step), place.scopes, steps, next));
    const { clock } = this.options;
    const report = reportOf(delivery, place, clock, { next });
    const waits = longestWait(publish, clock);
    return new Chained(publish, endedStep(place, report, delivery.lease.redrive, { waits }));
  }

  private branches(
    delivery: Delivery,
    place: ScopedPlace,
    fanOut: FanOut,
    next: NextPlace[],
  ): OutgoingEntry[] {
    // Without a join no step waits for the branches: the branch in which they begin ends here.
    const inherited = fanOut.join === undefined ? hooksOf(place.scopes) : place.scopes;
    const outer = withHook(inherited, fanOut.onFailure);
    return fanOut.steps.map((step, index) => {
      const join = fanOut.join === undefined ? [] : [this.joinScope(place, fanOut, index)];
      const there = stepInBranch(place.step, index);
      return this.step(
        delivery,
        place.id,
        there,
        [...outer, ...join],
        step as WorkflowInstruction,
        next,
      );
    });
  }

  private joinScope({ step }: ScopedPlace, fanOut: FanOut, index: number): JoinScope {
    const { stored, technology } = this.options;
    if (!stored) {
      const advice =
        'Fan out without a join, fill the slot stateStore, or use a driver that has the port workflows.';
      throw new UnsupportedFeatureError('Joining steps', technology, advice);
    }
    const { event, stream } = targetOf(fanOut.join!);
    // A join that can never be published fails now, and not only when all branches have ended.
    if (index === 0) this.options.encode({ eventType: event, stream, payload: { results: [] } });
    const of = fanOut.steps.length;
    return { kind: 'join', at: step, index, of, partial: fanOut.partial ?? false, event, stream };
  }

  private step(
    delivery: Delivery,
    workflow: string,
    place: string,
    outer: readonly Scope[],
    instruction: WorkflowInstruction,
    next: NextPlace[],
  ): OutgoingEntry {
    const { next: eventType, payload, stream, delay, deliverAt, metadata, key } = instruction;
    const scopes = withHook(outer, instruction.onFailure);
    const here = placeToText({ id: workflow, step: place, parent: delivery.id, scopes });
    next.push([place, eventType]);
    return this.options.encode({
      eventType,
      payload,
      stream,
      delay,
      deliverAt,
      metadata: travelling(this.traceAfter(delivery), metadata, here),
      key: key ?? delivery.lease.key,
    });
  }

  /** Ends a branch with its last step. */
  private end(delivery: Delivery, place: ScopedPlace, returned: unknown): Ack {
    const joined = place.scopes.findLast((scope) => scope.kind === 'join');
    if (joined) refuseInbox(delivery);
    const result = joined
      ? joinableResult(returned, joined, delivery.eventType, this.options.maxPayloadBytes)
      : jsonOf(returned);
    const isShort = result !== undefined && result.length <= LONGEST_RESULT;
    const report = reportOf(delivery, place, this.options.clock, {
      result: isShort ? returned : undefined,
      resultOmitted: result === undefined || isShort ? undefined : true,
    });
    const arriving = joined && {
      place,
      report,
      result: result!,
      trace: this.traceAfter(delivery),
    };
    return { kind: 'ack', step: endedStep(place, report, delivery.lease.redrive, { arriving }) };
  }

  /** Trace headers for what follows. Without an instrumentation those of the message are copied. */
  private traceAfter(delivery: Delivery): Metadata {
    const given = this.options.instruments?.current?.following(delivery);
    return given ?? traceOf(delivery.message.metadata);
  }

  /** A codec without metadata would lose what makes a message a step. Checked once. */
  private refuseBareCodecs(): void {
    const { codec } = this.options;
    this.metadataTravels ??= carriesMetadata(codec);
    if (this.metadataTravels) return;
    const advice = 'Use a codec that carries metadata.';
    throw new UnsupportedFeatureError('Workflow chaining', `codec "${codec.name}"`, advice);
  }
}

/** A class, because it outlives its run: see docs/decisions/0015. */
class Chained implements Ack {
  readonly kind = 'ack';

  constructor(
    readonly publish: readonly OutgoingEntry[],
    readonly step: EndedStep,
  ) {}
}

/**
 * Throws before the handler writes anything. A process that dies between the writes of an inbox and
 * the acknowledgement leaves a duplicate. The duplicate is acknowledged without a run, so the steps
 * that follow would be lost.
 */
function refuseInbox({ handler }: Delivery): void {
  if (!handler?.inbox) return;
  const advice = 'Use dedupe, which is completed in one step with what follows, or no join.';
  throw new UnsupportedFeatureError('Going on with a workflow', 'a handler with inbox', advice);
}

/** Milliseconds until the last of them is published. Undefined: all are published at once. */
function longestWait(entries: readonly OutgoingEntry[], clock: Clock): number | undefined {
  let longest: number | undefined;
  for (const { when } of entries) {
    if (when) longest = Math.max(longest ?? 0, waitUntil(when, clock.wallTime()));
  }
  return longest;
}
