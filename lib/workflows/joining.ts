import type { Lease } from '../core/lease.js';
import type { Metadata, OutgoingEntry } from '../core/message.js';
import type { ErrorRecord } from '../core/errors/error-record.js';
import type { BranchFailure, JoinedResults, WorkflowFailure } from './workflow-payloads.js';
import { errorRecord } from '../core/errors/error-record.js';
import { ClosedError, UnsupportedFeatureError } from '../core/errors/start-up.errors.js';
import type { EventBus } from '../core/events.js';
import {
  placeToText,
  stepAfter,
  stepInBranch,
  type HookScope,
  type JoinScope,
  type Scope,
  type WorkflowPlace,
} from '../core/workflow-place.js';
import type { WorkflowStore } from '../ports/workflow-store.js';
import type { StepMessage } from './chainer.js';
import { travelling } from './travelling.js';

export interface JoiningOptions {
  readonly store: WorkflowStore | undefined;
  /** How long the store keeps what is known of a workflow, ms. */
  readonly ttl: number;
  readonly encode: (message: StepMessage) => OutgoingEntry;
  readonly technology: string;
  readonly events: EventBus;
}

/** A step that follows, and how it is published. */
export interface Following {
  readonly place: string;
  readonly event: string;
  readonly entry: OutgoingEntry;
}

/** The message whose end is told of. */
export interface Ending {
  readonly lease: Lease;
  readonly place: WorkflowPlace;
  readonly metadata: Metadata;
  /** Step that what follows is named after, where that is not the message's own. */
  readonly at?: string;
  /** Another message has done what this one was for. */
  readonly duplicate?: boolean;
}

/** What came of a branch, as it is stored: its result as JSON, or its failure. */
type Outcome = { readonly v: unknown } | { readonly e: Omit<BranchFailure, 'index'> };

/** The last step of a branch has completed. Answers the join, where it was the last one to. */
export function join(
  options: JoiningOptions,
  ending: Ending,
  result: string,
): Promise<Following[]> {
  return arrive(options, ending, ending.place.scopes, `{"v":${result}}`);
}

/** A step has failed. Answers what was declared for that, from the innermost scope outwards. */
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

/** Whether a failure of this step is for a join to deal with. */
export const isForgiven = ({ scopes }: WorkflowPlace): boolean =>
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
    const advice = 'Let this group be served by a driver that has the port workflows.';
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

/** All branches have arrived: the join, or where one failed what is declared for that. */
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
      // With the payloads of what failed it may be too large; trying again would not help.
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

/** The nearest hook. One beyond a join waits for what the other branches come to. */
function hookOf(scopes: readonly Scope[]): HookScope | undefined {
  const nearest = scopes.at(-1);
  return nearest?.kind === 'hook' ? nearest : undefined;
}

/** Without the stack, which belongs to the dead letter. */
export const brief = ({ name, message }: ErrorRecord): { name: string; message: string } => ({
  name,
  message,
});

/**
 * Stands alone: what is declared for failures is not run for its own. A message that can never be
 * published is told of and left out: trying again would not help, and the dead letter has the failure.
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
  // Without the payloads of what failed where it is too large with them.
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
  { lease, place, metadata }: Ending,
  { event, stream, step, scopes }: There,
  payload: unknown,
): Following {
  const text = placeToText({ id: place.id, step, parent: lease.id, scopes });
  const entry = encode({
    eventType: event,
    payload,
    ...(stream !== undefined && { stream }),
    metadata: travelling(metadata, undefined, text),
  });
  return { place: step, event, entry };
}
