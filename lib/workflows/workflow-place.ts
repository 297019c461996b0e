import type { Delivery } from '../core/delivery.js';
import type { Metadata } from '../core/message.js';
import type { WorkflowPlace } from '../core/workflow.js';

/** What a handler knows of the workflow that its message belongs to, or would begin. */
export interface WorkflowContext {
  readonly id: string;
  /** Place of this step, unique in the workflow: `0` the first, then `1`, …; `1.3.2` in branch 3 of step 1. */
  readonly step: string;
  /** Steps before this one, on the way that led here. */
  readonly depth: number;
  /** Id of the message that this step follows from. Undefined: the first step. */
  readonly parentId: string | undefined;
}

/** The name of our text among the metadata of a step. */
export const WORKFLOW = 'workflow';

/** What waits for the end of a step, and of all that follow from it. */
export type Scope = JoinScope | HookScope;

/** A fan-out whose branches are joined. */
export interface JoinScope {
  readonly kind: 'join';
  /** Step that fanned out. */
  readonly at: string;
  /** Which branch this is, of how many. */
  readonly index: number;
  readonly of: number;
  /** The join runs although branches failed. */
  readonly partial: boolean;
  readonly event: string;
  readonly stream: string | undefined;
}

/** A step for what fails. */
export interface HookScope {
  readonly kind: 'hook';
  readonly event: string;
  readonly stream: string | undefined;
}

/**
 * Where in which workflow a message stands. It travels in its metadata as one text: id, step, id of
 * the parent message or `-`, then the scopes from the outermost on, separated by spaces. So whoever
 * handles a step needs to ask nobody.
 */
export interface ScopedPlace extends WorkflowPlace {
  /** Outermost first. */
  readonly scopes: readonly Scope[];
}

/** What names a message that a group was given. */
export interface Received {
  readonly stream: string;
  readonly id: string;
  readonly group: string;
}

const NO_SCOPES: readonly Scope[] = [];

/** Of a message that may begin a workflow: the same for every run of it. */
export function rootPlace(message: Received): ScopedPlace {
  const id = `${escaped(message.stream)}/${message.id}/${escaped(message.group)}`;
  return { id, step: '0', parent: undefined, scopes: NO_SCOPES };
}

export function placeToText({ id, step, parent, scopes }: ScopedPlace): string {
  let text = `${id} ${step} ${parent ?? '-'}`;
  for (const scope of scopes) text += ` ${scopeToText(scope)}`;
  return text;
}

/** Undefined: it belongs to none. Somebody else's metadata of this name is not ours to judge. */
export function placeIn(metadata: Metadata): ScopedPlace | undefined {
  const text = metadata[WORKFLOW];
  if (text === undefined) return undefined;
  const [id, step, parent, ...rest] = text.split(' ');
  if (!id || !step || !parent || !/^\d[\d.f]*$/.test(step)) return undefined;
  const scopes = rest.length === 0 ? NO_SCOPES : rest.map(scopeFrom);
  if (!scopes.every((scope) => scope !== undefined)) return undefined;
  return { id, step, parent: parent === '-' ? undefined : parent, scopes };
}

/** Where a delivery stands, as `recognise` has found it. Undefined: it belongs to no workflow. */
export const placeOf = ({ workflow }: Pick<Delivery, 'workflow'>): ScopedPlace | undefined =>
  workflow as ScopedPlace | undefined;

export const depthOf = (step: string): number => Number(step.slice(step.lastIndexOf('.') + 1));

/** The only step after this one, or the join of its branches. */
export const stepAfter = (step: string): string =>
  step.slice(0, step.lastIndexOf('.') + 1) + (depthOf(step) + 1);

/** The first step of a branch. */
export const stepInBranch = (step: string, branch: number | 'f'): string =>
  `${step}.${branch}.${depthOf(step) + 1}`;

/** What may stand in a text between spaces and colons, and in a hash tag. */
const escapes = new Map<string, string>();
const MOST_ESCAPES = 1000;
function escaped(text: string): string {
  let known = escapes.get(text);
  if (known === undefined) {
    if (escapes.size >= MOST_ESCAPES) escapes.clear();
    escapes.set(text, (known = encodeURIComponent(text)));
  }
  return known;
}

function scopeToText(scope: Scope): string {
  const target = scope.stream === undefined ? [scope.event] : [scope.event, scope.stream];
  const to = target.map(escaped).join(':');
  if (scope.kind === 'hook') return `f:${to}`;
  return `${scope.partial ? 'p' : 'j'}:${scope.at}:${scope.index}:${scope.of}:${to}`;
}

function scopeFrom(text: string): Scope | undefined {
  const parts = text.split(':');
  const kind = parts.shift();
  try {
    if (kind === 'f') return { kind: 'hook', ...targetFrom(parts) };
    if (kind !== 'j' && kind !== 'p') return undefined;
    const [at = '', index, of, ...target] = parts;
    const [branch, branches] = [Number(index), Number(of)];
    if (!(branch >= 0 && branch < branches)) return undefined;
    const partial = kind === 'p';
    return { kind: 'join', at, index: branch, of: branches, partial, ...targetFrom(target) };
  } catch {
    return undefined;
  }
}

function targetFrom([event = '', stream]: readonly string[]): Omit<HookScope, 'kind'> {
  return {
    event: decodeURIComponent(event),
    stream: stream === undefined ? undefined : decodeURIComponent(stream),
  };
}
