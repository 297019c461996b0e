import type { Clock } from '../../core/clock.js';
import type { Delivery } from '../../core/delivery.js';
import type { LeaseState, Lease } from '../../core/lease.js';
import type { Codec } from '../../core/codecs/codec.js';
import type { EventBus } from '../../core/event-bus.js';
import type { When } from '../../core/message.js';
import { reported } from '../../core/published-report.js';
import type { Settlement } from '../../core/settlement.js';
import type { Completions } from '../../ports/completions.js';
import type { DeadLetterQueue } from '../../ports/dead-letters.js';
import type { Replies } from '../../ports/replies.js';
import type { MessageSource, Settle, Settling } from '../../ports/source.js';
import type { SettlerOptions } from './settler.js';
import type { Reported } from './settling-lane.js';
import { answerFirst } from './other-stores/answer-first.js';
import { markApart } from './other-stores/mark-apart.js';
import { tellOutgoing } from './other-stores/tell-outgoing.js';
import { carryOutActions } from './strategies/carry-out-actions.js';

/** Asks who owns these entries now, and keeps fresh those that are held. */
export type Holds = (leases: readonly Lease[]) => Promise<ReadonlyMap<Lease, LeaseState>>;

/** The part of workflows in settlements. */
export interface WorkflowSettling {
  /** Whether a settlement waits for a store of workflows that is not the source's own. */
  readonly needsStore?: ((settlement: Settlement, lease: Lease) => boolean) | undefined;
  settling(
    settle: Settle,
    holding: {
      readonly holds: Holds;
      /** Whether the handler takes no part in workflows. */
      readonly looksOn: (settling: Settling) => boolean;
    },
  ): Settle;
}

export interface ElsewhereOptions {
  readonly source: MessageSource;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly codec: Codec;
  /** Sends answers to requests. */
  readonly replies: Replies | undefined;
  readonly chaining: WorkflowSettling;
  /** A queue in place of the source's own. */
  readonly deadLetterQueue: DeadLetterQueue | undefined;
  readonly completions: Completions | undefined;
  /** Completions go to another store than the source's. */
  readonly marksApart: boolean;
  /** Called with the due times of messages that settlements have stored for later. */
  readonly onScheduled: (stream: string, when: When) => void;
}

/**
 * Settles a batch at the source, and stores what goes elsewhere. From the outermost to the source:
 * answers to requests, the records of workflows, the strategies of dead letters, completions of
 * another store. Where one of them fails, its settlement is tried again.
 */
export function storeElsewhere(options: ElsewhereOptions, holds: Holds): Settle {
  const { source, replies, clock, completions, marksApart } = options;
  const plain: Settle = (batch) => source.settle(batch);
  const told = tellOutgoing(plain, options);
  const marked = completions && marksApart ? markApart(told, completions) : told;
  const publish = reported((entries) => source.publish(entries), options, 'settlement');
  const { capabilities } = source;
  const acting = { ...options, source: { capabilities, publish } };
  const givenUp = carryOutActions(marked, acting, holds);
  const recorded = options.chaining.settling(givenUp, { holds, looksOn });
  const answered = replies ? answerFirst(recorded, replies, clock) : recorded;
  return (batch) => {
    for (const { settlement } of batch) {
      if (settlement.kind === 'dead-letter') return answered(batch);
      if (settlement.kind !== 'ack') continue;
      const { reply, step, publish, completes } = settlement;
      if (reply ?? step ?? publish ?? completes) return answered(batch);
    }
    // As most batches: acknowledgements and nothing else.
    return source.settle(batch);
  };
}

/** What a settlement needs beside the source. Undefined: each needs the source alone. */
export function storeOf({
  deadLetterQueue,
  marksApart,
  chaining: { needsStore },
}: Pick<
  ElsewhereOptions,
  'deadLetterQueue' | 'marksApart' | 'chaining'
>): SettlerOptions['storeOf'] {
  if (!deadLetterQueue && !marksApart && !needsStore) return undefined;
  return (settlement, lease) => {
    const { kind } = settlement;
    const needsState =
      (marksApart && kind === 'ack' && settlement.completes !== undefined) ||
      needsStore?.(settlement, lease);
    if (!deadLetterQueue || !isQueued(settlement)) return needsState ? 'state store' : undefined;
    return needsState ? 'both' : 'dead letter queue';
  };
}

const isQueued = (settlement: Reported): boolean =>
  settlement.kind === 'dead-letter' && (settlement.action ?? 'queue') === 'queue';

/** A delivery without a handler may still be a step: its failure is looked for. */
const looksOn = (settling: Settling & { readonly delivery?: Delivery }): boolean =>
  settling.delivery?.handler?.chains === false;
