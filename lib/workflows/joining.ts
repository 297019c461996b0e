import type { Lease } from '../core/lease.js';
import type { Metadata, OutgoingEntry } from '../core/message.js';
import { type ErrorRecord, errorRecord } from '../core/errors/error-record.js';
import type { BranchFailure, JoinedResults, WorkflowFailure } from './workflow-payloads.js';
import { ClosedError, UnsupportedFeatureError } from '../core/errors/start-up.errors.js';
import type { EventBus } from '../core/event-bus.js';
import {
  placeToText,
  stepAfter,
  stepInBranch,
  type HookScope,
  type JoinScope,
  type Scope,
  type ScopedPlace,
} from './workflow-place.js';
import type { WorkflowStore } from '../ports/workflow-store.js';
import type { StepMessage } from './next-steps.js';
import { travelling } from './step-metadata.js';

export interface JoiningOptions {
  readonly store: WorkflowStore | undefined;
  /** How long the store keeps the state of a workflow, in milliseconds. */
  readonly ttl: number;
  readonly encode: (message: StepMessage) => OutgoingEntry;
  readonly technology: string;
  readonly events: EventBus;
}

/** A step that follows, encoded for publishing. */
export interface Following {
  readonly place: string;
  readonly event: string;
  readonly entry: OutgoingEntry;
}

/** A message whose step has ended. */
export interface Ending {
  readonly lease: Lease;
  readonly place: ScopedPlace;
  /** Trace headers for the steps that follow. */
  readonly trace: Metadata;
  /** The step after which the next place is named, where that is not the message's own step. */
  readonly at?: string;
  /** Another message has completed the same step. */
  readonly duplicate?: boolean;
}

/** The end of a branch as it is stored: its result as JSON, or its failure. */
type Outcome = { readonly v: unknown } | { readonly e: Omit<BranchFailure, 'index'> };

/** Records that a branch has completed. Returns the join where all other branches have ended. */
export function join(
  options: JoiningOptions,
  ending: Ending,
  result: string,
): Promise<Following[]> {
  return arrive(options, ending, ending.place.scopes, `{"v":${result}}`);
}

/**
 * Records that a step has failed. Returns the messages that were declared for its failure, from the
 * innermost scope outwards.
 */
export async function joinFailed(
  options: JoiningOptions,
  ending: Ending,
  failure: WorkflowFailure,
): Promise<Following[]> {
  const { scopes } = ending.place;
  const hook = hookOf(scopes);
  const { error, reason, event, payload } = failure;
  const outcome = { e: { reason, error, event, payload } } satisfies Outcome;
  return [
    ...(hook ? compensation(options, ending, hook, failure) : []),
    ...(await arrive(options, ending, scopes, JSON.stringify(outcome))),
  ];
}

/** Whether a join accepts failures of this step. */
export const isForgiven = ({ scopes }: ScopedPlace): boolean =>
  scopes.findLast((scope) => scope.kind === 'join')?.partial ?? false;

async function arrive(
  options: JoiningOptions,
  ending: Ending,
  scopes: readonly Scope[],
  result: string,
): Promise<Following[]> {
  const innermost = scopes.findLastIndex(({ kind }) => kind === 'join');
  if (innermost < 0) return [];
  const scope = scopes[innermost] as JoinScope;
  const { store, ttl, technology } = options;
  if (!store) {
    const advice =
      'Fill the slot stateStore where this group is served, or use a driver that has the port workflows.';
    throw new UnsupportedFeatureError('Joining steps', technology, advice);
  }
  const { at, index, of } = scope;
  const { lease, duplicate = false } = ending;
  const token = `${lease.stream}/${lease.id}/${lease.redrive ?? ''}`;
  const arrival = { workflow: ending.place.id, at, index, of, token, result, duplicate };
  const results = await store.arrive(arrival, ttl);
  if (!results) return [];
  const outer = scopes.slice(0, innermost);
  const outcomes = results.map((text) => JSON.parse(text) as Outcome);
  return joined(options, ending, scope, outer, outcomes);
}

/**
 * All branches have ended. Returns the join, or, where a branch failed, what was declared for the
 * failure.
 */
async function joined(
  options: JoiningOptions,
  ending: Ending,
  scope: JoinScope,
  outer: readonly Scope[],
  outcomes: readonly Outcome[],
): Promise<Following[]> {
  const failures = outcomes.flatMap((outcome, index) =>
    'e' in outcome ? [{ index, ...outcome.e }] : [],
  );
  const results = outcomes.map((outcome) => ('v' in outcome ? outcome.v : null));
  let failure: WorkflowFailure = {
    workflow: ending.place.id,
    step: scope.at,
    reason: 'branches-failed',
    results,
    failures,
  };
  if (failures.length === 0 || scope.partial) {
    const payload: JoinedResults = scope.partial ? { results, failures } : { results };
    const there = { ...scope, step: stepAfter(scope.at), scopes: outer };
    try {
      return [published(options, ending, there, payload)];
    } catch (error) {
      // The payloads of failed steps may make the join too large. Trying again would not help.
      failure = { ...failure, reason: 'join-refused', error: brief(errorRecord(error)) };
    }
  }
  const hook = hookOf(outer);
  const outcome = { e: { reason: failure.reason } } satisfies Outcome;
  return [
    ...(hook ? compensation(options, { ...ending, at: scope.at }, hook, failure) : []),
    ...(await arrive(options, ending, outer, JSON.stringify(outcome))),
  ];
}

/** The nearest hook. A hook outside a join waits until the other branches have ended. */
function hookOf(scopes: readonly Scope[]): HookScope | undefined {
  const nearest = scopes.at(-1);
  return nearest?.kind === 'hook' ? nearest : undefined;
}

/** Leaves out the stack, which only the dead letter keeps. */
export const brief = ({ name, message }: ErrorRecord): { name: string; message: string } => ({
  name,
  message,
});

/**
 * Publishes the message of a hook. It has no scopes: if it fails itself, no hook runs for it. A
 * message that can never be published is reported and left out, because trying again would not
 * help. The dead letter keeps the failure.
 */
function compensation(
  options: JoiningOptions,
  ending: Ending,
  hook: HookScope,
  failure: WorkflowFailure,
): Following[] {
  const step = stepInBranch(ending.at ?? ending.place.step, 'f');
  const there = { ...hook, step, scopes: [] };
  let refused: unknown;
  // Where the message is too large, a second try leaves the payloads of failed steps out.
  for (const payload of [failure, withoutPayloads(failure)]) {
    try {
      return [published(options, ending, there, payload)];
    } catch (error) {
      if (error instanceof ClosedError) throw error;
      refused = error;
    }
  }
  const message =
    `The message "${hook.event}" that was declared by onFailure cannot be published for ${ending.lease.id} of ` +
    `${ending.lease.stream}, so it is left out: ${errorRecord(refused).message}. The reason of the failure is ` +
    `${failure.reason}; the dead letter has all of it. Publish by hand what has to follow, and mend the codec.`;
  options.events.emit('warning', { code: 'FAILURE_HOOK_REFUSED', message });
  return [];
}

function withoutPayloads({ payload: _, results: __, failures, ...bare }: WorkflowFailure) {
  const counted = failures && {
    failures: failures.map(({ index, reason }) => ({ index, reason })),
  };
  return { ...bare, ...counted };
}

interface There {
  readonly event: string;
  readonly stream: string | undefined;
  readonly step: string;
  readonly scopes: readonly Scope[];
}

function published(
  { encode }: JoiningOptions,
  { lease, place, trace }: Ending,
  { event, stream, step, scopes }: There,
  payload: unknown,
): Following {
  const text = placeToText({ id: place.id, step, parent: lease.id, scopes });
  const entry = encode({
    eventType: event,
    payload,
    ...(stream !== undefined && { stream }),
    metadata: travelling(trace, undefined, text),
  });
  return { place: step, event, entry };
}
