import type { Metadata } from './message.js';
import type { WorkflowPlace } from './workflow-place.js';
import type { FinishedStep } from './workflow-store.js';

/** What a step came to. */
export type StepOutcome = 'completed' | 'failed' | 'cancelled';

/** What is recorded of a step. */
export interface StepReport {
  readonly event: string;
  readonly stream: string;
  readonly id: string;
  readonly group: string;
  /** Id of the message that it follows from. */
  readonly parent?: string | undefined;
  /** @default completed */
  readonly outcome?: Exclude<StepOutcome, 'completed'> | undefined;
  /** Runs that were charged. */
  readonly attempts: number;
  /** When the last run began, ms since the epoch. */
  readonly at?: number | undefined;
  readonly endedAt: number;
  /** Event types of the steps that follow, by their place. */
  readonly next?: Readonly<Record<string, string>> | undefined;
  /** What a terminal step returned. */
  readonly result?: unknown;
  /** It was too large to be kept. */
  readonly resultOmitted?: true | undefined;
  readonly error?: { readonly name: string; readonly message: string } | undefined;
  readonly reason?: string | undefined;
}

/** A step of a workflow that came to its end, beside the settlement of its message. */
export interface EndedStep {
  readonly finished: FinishedStep;
  /** Of the last step of a branch: with it the branch arrives at its join. */
  readonly arriving?: Arriving;
}

/** What a join is told of the step that ends a branch. */
export interface Arriving {
  readonly place: WorkflowPlace;
  readonly report: StepReport;
  /** What it returned, as JSON. */
  readonly result: string;
  /** Trace headers that travel on. */
  readonly trace: Metadata;
}

/** A fresh count of attempts begins with each redrive; whatever it says, it is later. */
const REDRIVEN = 1_000_000;

/** The record of a step. */
export function finished(
  { id, step }: WorkflowPlace,
  report: StepReport,
  redriven = false,
  failed = false,
): FinishedStep {
  let follows = 0;
  for (const _ in report.next) follows++;
  return {
    workflow: id,
    step,
    run: report.attempts + (redriven ? REDRIVEN : 0),
    follows,
    failed,
    record: reportToText(report),
  };
}

/** As a JSON list, since with names most of what each step stores would be names. */
function reportToText(report: StepReport): string {
  const { event, stream, id, group, parent, attempts, at, endedAt, next } = report;
  const { outcome, result, resultOmitted, error, reason } = report;
  const usual = [event, stream, id, group, parent, attempts, at, endedAt, next];
  const isUsual = outcome === undefined && result === undefined && resultOmitted === undefined;
  return JSON.stringify(
    isUsual ? usual : [...usual, { outcome, result, resultOmitted, error, reason }],
  );
}

/** The report that {@link finished} has made a text of. */
export function reportFrom(text: string): StepReport {
  const list = (JSON.parse(text) as unknown[]).map((value) => value ?? undefined);
  const [event, stream, id, group, parent, attempts, at, endedAt, next, unusual] = list;
  const usual = { event, stream, id, group, parent, attempts, at, endedAt, next };
  return { ...usual, ...(unusual as object | undefined) } as StepReport;
}
