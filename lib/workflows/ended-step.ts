import type { Metadata } from '../core/message.js';
import type { FinishedStep } from '../ports/workflow-store.js';
import type { ScopedPlace } from './workflow-place.js';

/** How a step ended. */
export type StepOutcome = 'completed' | 'failed' | 'cancelled' | 'duplicate' | 'filtered';

/** Place and event type of a step that follows. */
export type NextPlace = readonly [place: string, event: string];

/** The record of a step. */
export interface StepReport {
  readonly event: string;
  readonly stream: string;
  readonly id: string;
  readonly group: string;
  /** Id of the message that the step follows from. */
  readonly parent?: string | undefined;
  /** @default completed */
  readonly outcome?: Exclude<StepOutcome, 'completed'> | undefined;
  /** Runs that were charged. */
  readonly attempts: number;
  /** When the last run began, in milliseconds since the epoch. */
  readonly at?: number | undefined;
  readonly endedAt: number;
  /** The steps that follow. */
  readonly next?: readonly NextPlace[] | undefined;
  /** What a terminal step returned. */
  readonly result?: unknown;
  /** The result was too large to be kept. */
  readonly resultOmitted?: true | undefined;
  readonly error?: { readonly name: string; readonly message: string } | undefined;
  readonly reason?: string | undefined;
}

/** A step of a workflow that came to its end, beside the settlement of its message: its `SettledStep`. */
export interface EndedStep extends FinishedStep {
  /**
   * Milliseconds until the steps that follow are published. The state of the workflow has to be
   * kept until then.
   */
  readonly waits?: number | undefined;
  /** @internal For the last step of a branch: the arrival of the branch at its join. */
  readonly arriving?: Arriving | undefined;
}

/** The step that ends a branch, as its join needs it. */
export interface Arriving {
  readonly place: ScopedPlace;
  readonly report: StepReport;
  /** What the step returned, as JSON. */
  readonly result: string;
  /** Trace headers for the steps that follow. */
  readonly trace: Metadata;
}

/**
 * Attempts count from 1 again after each redrive. A run after a redrive must have a higher number
 * than every run before.
 */
const EACH_REDRIVE = 1000;

/** @internal Makes the record of a step. */
export function endedStep(
  { id, step }: ScopedPlace,
  report: StepReport,
  redrive = 0,
  { failed = false, waits, arriving }: Partial<EndedStep> = {},
): EndedStep {
  const run = redrive * EACH_REDRIVE + Math.min(report.attempts, EACH_REDRIVE - 1);
  return new Ended(id, step, run, failed, reportToText(report), waits, arriving);
}

/** A class, because it outlives its run: see docs/decisions/0015. */
class Ended implements EndedStep {
  constructor(
    readonly workflow: string,
    readonly step: string,
    readonly run: number,
    readonly failed: boolean,
    readonly record: string,
    readonly waits: number | undefined,
    readonly arriving: Arriving | undefined,
  ) {}
}

/**
 * Writes a report as the elements of a JSON list, without names: names would make up most of what
 * each step stores. Joined by hand, which costs a third of `JSON.stringify`.
 */
function reportToText(report: StepReport): string {
  const { event, stream, id, group, parent, attempts, at, endedAt, next } = report;
  const { outcome, result, resultOmitted, error, reason } = report;
  const parts = [
    quoted(event),
    quoted(stream),
    json(id),
    quoted(group),
    json(parent),
    attempts,
    at ?? 'null',
    endedAt,
    nextToText(next),
  ];
  if (outcome !== undefined || result !== undefined || resultOmitted !== undefined) {
    parts.push(JSON.stringify({ outcome, result, resultOmitted, error, reason }));
  }
  return parts.join();
}

function nextToText(next: StepReport['next']): string {
  if (!next) return 'null';
  let text = '';
  for (const [place, event] of next) text += `${text && ','}["${place}",${quoted(event)}]`;
  return `[${text}]`;
}

const json = (value: unknown): string =>
  value === undefined ? 'null' : (JSON.stringify(value) as string);

/** JSON texts of names. There are few different names. */
const quotes = new Map<string, string>();
const MOST_QUOTES = 1000;
function quoted(name: string): string {
  let known = quotes.get(name);
  if (known === undefined) {
    if (quotes.size >= MOST_QUOTES) quotes.clear();
    quotes.set(name, (known = JSON.stringify(name)));
  }
  return known;
}

/** Reads the text that {@link endedStep} has made of a report. */
export function reportFrom(text: string): StepReport {
  const list = (JSON.parse(`[${text}]`) as unknown[]).map((value) => value ?? undefined);
  const [event, stream, id, group, parent, attempts, at, endedAt, next, unusual] = list;
  const usual = { event, stream, id, group, parent, attempts, at, endedAt, next };
  return { ...usual, ...(unusual as object | undefined) } as StepReport;
}
