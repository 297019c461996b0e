import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.js';
import { reportFrom, type StepReport } from './ended-step.js';
import type { EventBus } from '../core/event-bus.js';
import { AdminReport } from '../core/admin-report.js';
import { InvalidMessageError } from '../core/errors/publishing.errors.js';
import { isoTime } from '../core/message.js';
import { names, refuse } from '../core/option-schema/refuse.js';
import { targetOf, targetProblems, type StepTarget } from '../options/step-target.js';
import { waitUntil, whenOf } from '../options/due-time.js';
import { START_OPTIONS, type StartOptions } from '../options/workflow-options.js';
import { WORKFLOW } from '../core/workflow.js';
import { depthOf, placeToText, type Scope } from './workflow-place.js';
import type { StoredWorkflow, WorkflowStore } from '../ports/workflow-store.js';
import type { StepMessage } from './next-steps.js';

/**
 * - `running`: some step has not ended yet.
 * - `completed`: every step has completed.
 * - `failed`: a step was dead-lettered, and no `partial` join has accepted that. What was declared
 *   for failures may still run.
 * - `cancelled`: by `cancel`.
 */
export type WorkflowStatus = 'running' | 'completed' | 'failed' | 'cancelled';

/** The recorded state of a workflow. Times are ISO 8601. */
export interface WorkflowState {
  /** Id of the workflow. */
  readonly id: string;
  /** Whether steps are still to come, and whether one has failed or was cancelled. */
  readonly status: WorkflowStatus;
  /** When the first step began. Undefined: no step is known to have begun. */
  readonly startedAt?: string;
  /** When the last step ended. Undefined while steps are still to come. */
  readonly endedAt?: string;
  /** Ordered by their places. */
  readonly steps: readonly WorkflowStep[];
}

/** A step that has ended, or that was published and has not ended yet. */
export interface WorkflowStep {
  /** Place of the step; see `WorkflowContext.step`. */
  readonly step: string;
  /** Event type of the step. */
  readonly event: string;
  /**
   * `waiting`: published and not ended, so the step may be running or delayed. `duplicate`: not
   * run, because its handler has `dedupe` and has completed the same key before. `filtered`: not run,
   * because the `filter` of its handler refused it.
   */
  readonly status: 'waiting' | 'completed' | 'failed' | 'cancelled' | 'duplicate' | 'filtered';
  /** Stream of the message. */
  readonly stream?: string;
  /** Id of the message. */
  readonly id?: string;
  /** Id of the message that the step follows from. */
  readonly parentId?: string;
  /** The group that handled the step. */
  readonly group?: string;
  /** Runs that the step took. */
  readonly attempts?: number;
  /** When the last run began. */
  readonly startedAt?: string;
  /** When the step ended. */
  readonly endedAt?: string;
  /** Duration of the last run, in milliseconds. */
  readonly duration?: number;
  /**
   * What a terminal step returned. Undefined where the result has more than 16,384 characters of
   * JSON.
   */
  readonly result?: unknown;
  /** The result was too long to be recorded. */
  readonly resultOmitted?: true;
  /** Reason of the dead letter. */
  readonly reason?: string;
  /** What the last run threw. */
  readonly error?: { readonly name: string; readonly message: string };
}

export interface WorkflowsOptions {
  /** @throws UnsupportedFeatureError where the driver has no store for workflows */
  readonly store: () => WorkflowStore;
  readonly publish: (
    message: StepMessage & { readonly idempotencyKey?: string },
  ) => Promise<string>;
  readonly idempotent: boolean;
  readonly clock: Clock;
  /** How long the state of a workflow is kept, in milliseconds. */
  readonly ttl: number;
  /** Told of workflows that begin here, or are cancelled. */
  readonly events?: EventBus;
}

/**
 * Starts, inspects and cancels workflows. Injectable.
 *
 * ```ts
 * const id = await this.workflows.start('order.process', order);
 * const { status, steps } = (await this.workflows.get(id))!;
 * ```
 */
export class Workflows {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'Workflows';

  /** @internal */
  constructor(private readonly options: WorkflowsOptions) {}

  /**
   * Publishes the first step.
   * @returns the id of the workflow
   * @throws InvalidMessageError, UnsupportedFeatureError, and what publishing throws
   */
  async start(target: StepTarget, payload?: unknown, options: StartOptions = {}): Promise<string> {
    const problems = [...targetProblems(target, 'A step'), ...START_OPTIONS.problems(options)];
    if (problems.length > 0) throw new InvalidMessageError(problems.join('; '));
    const { id = randomUUID(), metadata, onFailure, ...due } = options;
    const { event, stream } = targetOf(target);
    const hook = onFailure === undefined ? undefined : targetOf(onFailure);
    const scopes: Scope[] = hook ? [{ kind: 'hook', stream: undefined, ...hook }] : [];
    const place = placeToText({ id, step: '0', parent: undefined, scopes });
    const now = this.options.clock.wallTime();
    const ttl = this.options.ttl + waitUntil(whenOf(due), now);
    await this.options.store().begin(id, now, ttl);
    await this.options.publish({
      ...due,
      eventType: event,
      payload,
      ...(stream !== undefined && { stream }),
      metadata: { ...metadata, [WORKFLOW]: place },
      ...(options.id !== undefined &&
        this.options.idempotent && { idempotencyKey: `workflow/${id}` }),
    });
    this.options.events?.emit('workflow-begun', { workflow: id, eventType: event, stream });
    return id;
  }

  /**
   * Reads the state of a workflow. A workflow that began with a producer's message is known once
   * its first step has ended.
   * @returns undefined: the workflow is not known, or not any more
   */
  async get(id: string): Promise<WorkflowState | undefined> {
    refuse(names({ id }));
    const stored = await this.options.store().read(id);
    return stored && stateOf(id, stored);
  }

  /**
   * Cancels a workflow. Its later steps, delayed ones too, are acknowledged without a run when they
   * arrive, with the outcome `cancelled`. A step that runs goes on to its end. No failure hook
   * runs.
   * @returns false: the workflow had ended
   */
  async cancel(id: string): Promise<boolean> {
    const report = new AdminReport(this.options.events);
    const target = { action: 'workflows.cancel', stream: undefined, details: { id } } as const;
    return report.around(target, async () => {
      if ((await this.get(id))?.endedAt !== undefined) return false;
      await this.options.store().cancel(id, this.options.ttl);
      return true;
    });
  }
}

/** The state of a workflow as its store has recorded it. */
export function stateOf(id: string, stored: StoredWorkflow): WorkflowState {
  const reports = new Map([...stored.steps].map(([step, text]) => [step, reportFrom(text)]));
  const steps = [...reports].map(([step, report]) => ended(step, report));
  // The first step, and every step that follows from a recorded one.
  let finished = reports.has('0');
  for (const { next = [] } of reports.values()) {
    for (const [step, event] of next) {
      if (reports.has(step)) continue;
      steps.push({ step, event, status: 'waiting' });
      finished = false;
    }
  }
  steps.sort((a, b) => comparePlaces(a.step, b.step));
  const all = [...reports.values()];
  const startedAt = stored.begunAt ?? least(all.map(({ at, endedAt }) => at ?? endedAt));
  return {
    id,
    status: statusOf(stored, finished),
    ...(startedAt !== undefined && { startedAt: isoTime(startedAt) }),
    ...(finished && { endedAt: isoTime(-least(all.map(({ endedAt }) => -endedAt))!) }),
    steps,
  };
}

function statusOf({ cancelled, failed }: StoredWorkflow, finished: boolean): WorkflowStatus {
  if (cancelled) return 'cancelled';
  if (failed > 0) return 'failed';
  return finished ? 'completed' : 'running';
}

function ended(step: string, report: StepReport): WorkflowStep {
  const { event, stream, id, group, parent, outcome = 'completed', attempts, at, endedAt } = report;
  const { result, resultOmitted, reason, error } = report;
  return {
    step,
    event,
    status: outcome,
    stream,
    id,
    ...(parent !== undefined && { parentId: parent }),
    group,
    attempts,
    ...(at !== undefined && { startedAt: isoTime(at), duration: endedAt - at }),
    endedAt: isoTime(endedAt),
    ...(result !== undefined && { result }),
    ...(resultOmitted && { resultOmitted }),
    ...(reason !== undefined && { reason }),
    ...(error && { error }),
  };
}

function least(numbers: readonly number[]): number | undefined {
  return numbers.length === 0
    ? undefined
    : numbers.reduce((smallest, number) => Math.min(smallest, number));
}

/** Compares by depth first, then branch by branch. */
function comparePlaces(a: string, b: string): number {
  const [as, bs] = [a.split('.'), b.split('.')];
  if (depthOf(a) !== depthOf(b)) return depthOf(a) - depthOf(b);
  for (let index = 0; index < Math.min(as.length, bs.length); index++) {
    const difference = Number(as[index]) - Number(bs[index]);
    if (difference) return difference;
  }
  return as.length - bs.length || (a < b ? -1 : 1);
}
