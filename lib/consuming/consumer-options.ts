import type { Clock } from '../core/clock.js';
import type { Codec } from '../core/codecs/codec.js';
import type { Completions } from '../ports/completions.js';
import type { DeadLetterStrategy } from '../core/dead-letter-strategy.js';
import type { Delivery } from '../core/delivery.js';
import type { EventBus } from '../core/event-bus.js';
import type { UnmatchedPolicy } from '../options/streams-options.js';
import type { Middleware } from '../core/middleware.js';
import type { LeaseStore } from '../ports/lease-store.js';
import type { When } from '../core/message.js';
import type { Inbox } from '../ports/inbox.js';
import type { Instruments } from '../core/instruments.js';
import type { Replies } from '../ports/replies.js';
import type { Ack } from '../core/settlement.js';
import type { MessageSource } from '../ports/source.js';
import type { SubscribeOptions } from '../ports/subscription.js';
import type { Readers } from './reading/readers.js';
import type { FilteredTypes } from './plan/filtered-types.js';
import type { LiveParts, Presence } from './live-consumers/presence.js';
import type { Overruns } from './running/overruns.js';
import type { Gates } from './middleware/gate.middleware.js';
import type { ConsumerPlan } from './plan/plan.js';
import type { HeldLease } from './plan/held-lease.js';
import type { Slots } from './plan/slots.js';
import type { DeadLetterParts } from './settling/strategies/required-strategies.js';
import type { ProgressRecorder } from './settling/progress-recorder.js';
import type { WorkflowSettling } from './settling/store-elsewhere.js';

/** Options that may differ from consumer to consumer. */
export interface ConsumerSettings extends Omit<
  SubscribeOptions,
  'streams' | 'group' | 'runsWithin' | 'rebalancing'
> {
  readonly codec: Codec;
  readonly middleware: readonly Middleware[];
  /** What becomes of events that no handler takes. Undefined: not decided by an option. */
  readonly unmatched: UnmatchedPolicy | undefined;
  readonly isUnrecoverable: (error: unknown) => boolean;
  /** What becomes of messages without a handler that are given up. Undefined: the default. */
  readonly deadLetter?: DeadLetterStrategy | undefined;
  /** Limit for answers. */
  readonly maxPayloadBytes: number;
  readonly batchSize: number;
  /** Runs in all, where a handler has no such option. */
  readonly maxDeliveries: number;
  readonly maxParked: number;
  readonly maxHold: number;
  readonly gracePeriod: number;
  /** Limits the runs at a time. @default the transport's slots, shared by all its consumers */
  readonly slots?: Slots;
}

/** What all consumers of a runtime share. */
export interface ConsumerParts extends DeadLetterParts {
  readonly source: MessageSource;
  readonly clock: Clock;
  readonly events: EventBus;
  /** Without leases no messages are handled in order. */
  readonly leases?: LeaseStore | undefined;
  /** Sends answers to requests. Without it there are none. */
  readonly replies: Replies | undefined;
  /**
   * The store of completed keys. `marksApart`: it is not the source's, so marks are written apart
   * from acknowledgements.
   */
  readonly completions: Completions | undefined;
  readonly marksApart: boolean;
  /** The inbox of handlers with the option `inbox`. */
  readonly inbox: Inbox | undefined;
  /** Records how far consumers have come. Undefined: nothing is recorded. */
  readonly recorders: { of(group: string): ProgressRecorder } | undefined;
  /** What watches runs and settlements. Read when a consumer starts. */
  readonly instruments?: Instruments | undefined;
  /** The part of workflows in consuming. */
  readonly chaining: ConsumerChaining;
  /** Called with the due times of messages that settlements have stored for later. */
  readonly onScheduled: (stream: string, when: When) => void;
  /** The transport's slots, shared by all its consumers. */
  readonly slots: Slots;
  /** Shared by all consumers of the transport. */
  readonly gates: Gates;
  /** One slot for the whole process. */
  readonly suspectLane: Slots;
  /** The registry of live consumers. Without it nothing is handed from consumer to consumer. */
  readonly live: LiveParts | undefined;
  readonly filteredTypes: FilteredTypes;
  /** The methods of all consumers that go on after their runs have ended. */
  readonly overruns: Overruns;
  /** The reading loops of all consumers. */
  readonly readers: Readers;
}

/** Everything that a consumer needs. */
export interface ConsumerOptions extends Omit<ConsumerSettings, 'slots'>, ConsumerParts {
  readonly plan: ConsumerPlan;
  /** Undefined: other consumers may read the same streams. */
  readonly heldLease?: HeldLease;
  /**
   * The announcement of the consumer. Undefined: an event that no handler here takes is handed to
   * no other consumer.
   */
  readonly presence?: Presence | undefined;
  /**
   * For an ordered stream: called when it is given up to a consumer that handles the next event.
   */
  readonly onYield?: () => void;
}

/** What a consumer needs to take part in workflows. */
export interface ConsumerChaining extends WorkflowSettling {
  readonly recognise: Middleware;
  readonly duplicateStep: (delivery: Delivery) => Ack | undefined;
  readonly filteredStep: (delivery: Delivery) => Ack | undefined;
}
