import type { Metadata } from '../core/message.js';
import type { FinishedStep } from '../ports/workflow-store.js';
import type { ScopedPlace } from './workflow-place.js';

/** What a step came to. */
export type StepOutcome = 'completed' | 'failed' | 'cancelled' | 'duplicate';

/** Place and event type of a step that follows. */
export type NextPlace = readonly [place: string, event: string];

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
  /** The steps that follow. */
  readonly next?: readonly NextPlace[] | undefined;
  /** What a terminal step returned. */
  readonly result?: unknown;
  /** It was too large to be kept. */
  readonly resultOmitted?: true | undefined;
  readonly error?: { readonly name: string; readonly message: string } | undefined;
  readonly reason?: string | undefined;
}

/** A step of a workflow that came to its end, beside the settlement of its message: its `SettledStep`. */
export interface EndedStep extends FinishedStep {
  /** What follows is published so much later, ms: for so long it has to be known where it belongs. */
  readonly waits?: number | undefined;
  /** @internal Of the last step of a branch: with it the branch arrives at its join. */
  readonly arriving?: Arriving | undefined;
}

/** What a join is told of the step that ends a branch. */
export interface Arriving {
  readonly place: ScopedPlace;
  readonly report: StepReport;
  /** What it returned, as JSON. */
  readonly result: string;
  /** Trace headers that travel on. */
  readonly trace: Metadata;
}

/** A fresh count of attempts begins with each redrive; whatever it says, it is later. */
const EACH_REDRIVE = 1000;

/** @internal The record of a step. */
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
 * As what stands between the brackets of a JSON list, since with names most of what each step stores
 * would be names. Joined by hand, which costs a third of the whole list as JSON.
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

/** JSON texts of names, of which there are few. */
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

/** The report that {@link endedStep} has made a text of. */
export function reportFrom(text: string): StepReport {
  const list = (JSON.parse(`[${text}]`) as unknown[]).map((value) => value ?? undefined);
  const [event, stream, id, group, parent, attempts, at, endedAt, next, unusual] = list;
  const usual = { event, stream, id, group, parent, attempts, at, endedAt, next };
  return { ...usual, ...(unusual as object | undefined) } as StepReport;
}
