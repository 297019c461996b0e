import type { Metadata } from '../core/message.js';
import { WORKFLOW, type WorkflowPlace } from '../core/workflow.js';

/** The workflow that a message belongs to, or would begin, as its handler sees it. */
export interface WorkflowContext {
  /** Id of the workflow. */
  readonly id: string;
  /**
   * Place of this step, unique in the workflow: `0` is the first, then `1`, …; `1.3.2` is in branch
   * 3 of step 1.
   */
  readonly step: string;
  /** Number of steps before this one, on its branch. */
  readonly depth: number;
  /** Id of the message that this step follows from. Undefined for the first step. */
  readonly parentId: string | undefined;
}

/** What waits for the end of a step and of all steps that follow from it. */
export type Scope = JoinScope | HookScope;

/** A fan-out whose branches are joined. */
export interface JoinScope {
  readonly kind: 'join';
  /** The step that fanned out. */
  readonly at: string;
  /** Index of this branch, and number of branches. */
  readonly index: number;
  readonly of: number;
  /** The join runs even if branches failed. */
  readonly partial: boolean;
  readonly event: string;
  readonly stream: string | undefined;
}

/** A step that runs when another step fails. */
export interface HookScope {
  readonly kind: 'hook';
  readonly event: string;
  readonly stream: string | undefined;
}

/**
 * Place of a message in its workflow. The metadata of the message carries it as one text: id, step,
 * id of the parent message or `-`, then the scopes from the outermost on, separated by spaces. So
 * the consumer that handles a step needs no store.
 */
export interface ScopedPlace extends WorkflowPlace {
  /** Outermost first. */
  readonly scopes: readonly Scope[];
}

/** What identifies a message that a group was given. */
export interface Received {
  readonly stream: string;
  readonly id: string;
  readonly group: string;
}

const NO_SCOPES: readonly Scope[] = [];

/** Place of a message that may begin a workflow: the same for every run of the message. */
export function rootPlace(message: Received): ScopedPlace {
  const id = `${escaped(message.stream)}/${message.id}/${escaped(message.group)}`;
  return { id, step: '0', parent: undefined, scopes: NO_SCOPES };
}

export function placeToText({ id, step, parent, scopes }: ScopedPlace): string {
  let text = `${id} ${step} ${parent ?? '-'}`;
  for (const scope of scopes) text += ` ${scopeToText(scope)}`;
  return text;
}

/**
 * Undefined: the message belongs to no workflow. Metadata of this name that other programs wrote is
 * ignored.
 */
export function placeIn(metadata: Metadata): ScopedPlace | undefined {
  const text = metadata[WORKFLOW];
  if (text === undefined) return undefined;
  const [id, step, parent, ...rest] = text.split(' ');
  if (!id || !step || !parent || !/^\d[\d.f]*$/.test(step)) return undefined;
  const scopes = rest.length === 0 ? NO_SCOPES : rest.map(scopeFrom);
  if (!scopes.every((scope) => scope !== undefined)) return undefined;
  return { id, step, parent: parent === '-' ? undefined : parent, scopes };
}

/** A delivery, as far as its place counts. */
interface Placed {
  readonly workflow: WorkflowPlace | undefined;
}

/** Where a delivery stands, as `recognise` has found it. Undefined: it belongs to no workflow. */
export const placeOf = ({ workflow }: Placed): ScopedPlace | undefined =>
  workflow as ScopedPlace | undefined;

export const depthOf = (step: string): number => Number(step.slice(step.lastIndexOf('.') + 1));

/** The only step after this one, or the join of its branches. */
export const stepAfter = (step: string): string =>
  step.slice(0, step.lastIndexOf('.') + 1) + (depthOf(step) + 1);

/** The first step of a branch. */
export const stepInBranch = (step: string, branch: number | 'f'): string =>
  `${step}.${branch}.${depthOf(step) + 1}`;

/** Escapes a text so that it can stand between spaces and colons, and in a hash tag. */
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
