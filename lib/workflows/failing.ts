import type { Codec } from '../core/codecs/codec.js';
import type { StepReport } from './ended-step.js';
import type { LeaseState, Lease } from '../core/lease.js';
import type { OutgoingEntry } from '../core/message.js';
import type { Settling } from '../ports/source.js';
import type { WorkflowFailure } from './workflow-payloads.js';
import { WORKFLOW } from '../core/workflow.js';
import { traceOf } from './step-metadata.js';
import { placeIn, type ScopedPlace } from './workflow-place.js';
import { brief, isForgiven, joinFailed, type JoiningOptions } from './joining.js';

/** A settlement that moves its message to the dead letters. */
export type Burial = Extract<Settling, { readonly record: unknown }>;

/** A step that has failed for good. */
export interface Failed {
  readonly place: ScopedPlace;
  readonly report: StepReport;
  /** The messages that were declared for its failure, by hooks or a join. */
  readonly publish: readonly OutgoingEntry[];
  /** True: a join accepts the failure. False: the workflow has failed. */
  readonly forgiven: boolean;
}

/** Undefined: the message is no step of a workflow. */
export async function fail(
  options: JoiningOptions,
  codec: Codec,
  { lease, record: letter }: Burial,
  holdOf: () => Promise<LeaseState>,
): Promise<Failed | 'lost' | 'gone' | undefined> {
  const read = stepIn(codec, lease);
  if (!read) return undefined;
  const hold = await holdOf();
  if (hold !== 'held') return hold;
  const { place, event, payload, metadata } = read;
  const { reason } = letter;
  const error = letter.error && brief(letter.error);
  const failure: WorkflowFailure = {
    workflow: place.id,
    step: place.step,
    event,
    reason,
    ...(error && { error }),
    payload,
  };
  const follows = await joinFailed(options, { lease, place, trace: traceOf(metadata) }, failure);
  const report: StepReport = {
    event,
    stream: letter.stream,
    id: letter.id,
    group: letter.group,
    parent: place.parent,
    outcome: 'failed',
    attempts: letter.attempts,
    endedAt: Date.parse(letter.deadLetteredAt),
    next: follows.map((one) => [one.place, one.event] as const),
    error,
    reason,
  };
  const publish = follows.map(({ entry }) => entry);
  return { place, report, publish, forgiven: isForgiven(place) };
}

interface ReadStep {
  readonly place: ScopedPlace;
  readonly event: string;
  readonly payload: unknown;
  readonly metadata: Readonly<Record<string, string>>;
}

/** False: the message is certainly no step of a workflow. Costs no decoding. */
export const mayBeStep = ({ fields }: Pick<Lease, 'fields'>): boolean =>
  fields?.some((field) => field.includes(WORKFLOW)) ?? false;

/** Undefined also for an entry that cannot be decoded. */
function stepIn(codec: Codec, { fields, stream }: Lease): ReadStep | undefined {
  if (!fields || !mayBeStep({ fields })) return undefined;
  try {
    const { payload, metadata = {} } = codec.decode(fields);
    const place = placeIn(metadata);
    return place && { place, event: codec.eventType(fields, stream), payload, metadata };
  } catch {
    return undefined;
  }
}
