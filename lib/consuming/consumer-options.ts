import type { Clock } from '../core/clock.js';
import type { Codec } from '../core/codec.js';
import type { DeadLetterQueue } from '../core/dead-letters.js';
import type { EventBus } from '../core/events.js';
import type { Middleware } from '../core/handler.js';
import type { When } from '../core/message.js';
import type { Replies } from '../core/replies.js';
import type { MessageSource, SubscribeOptions } from '../core/source.js';
import type { Gates } from './middleware/gate.middleware.js';
import type { ConsumerPlan } from './plan.js';
import type { Slots } from './slots.js';

/** Everything that a consumer needs. */
export interface ConsumerOptions {
  readonly plan: ConsumerPlan;
  readonly source: MessageSource;
  readonly consumer: string;
  readonly subscribe: Omit<SubscribeOptions, 'streams' | 'group' | 'consumer'>;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly codec: Codec;
  readonly middleware: readonly Middleware[];
  readonly isUnrecoverable: (error: unknown) => boolean;
  /** Another queue than the source's own. */
  readonly deadLetters: DeadLetterQueue | undefined;
  /** Where answers to requests go. Without it there are none. */
  readonly replies: Replies | undefined;
  /** Told of what settlements have stored for later. */
  readonly onScheduled: (stream: string, when: When) => void;
  /** Of answers. */
  readonly maxPayloadBytes: number;
  /** The transport's bound, shared by all its consumers. */
  readonly slots: Slots;
  /** Shared by all consumers of the transport. */
  readonly gates: Gates;
  /** One place for the whole process. */
  readonly suspectLane: Slots;
  readonly batchSize: number;
  readonly maxParked: number;
  readonly maxHold: number;
  readonly gracePeriod: number;
}
