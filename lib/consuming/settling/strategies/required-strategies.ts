import type { DeadLetterStrategy } from '../../../core/dead-letter-strategy.js';
import { MissingSlotError } from '../../../core/errors/slot.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { PlannedHandler } from '../../../options/handler-definition.js';
import type { DeadLetterQueue } from '../../../ports/dead-letters.js';
import { DroppedKinds } from './dropped-kinds.js';

/** What consumers need for dead letters. */
export interface DeadLetterParts {
  /** A queue in place of the source's own. */
  readonly deadLetterQueue: DeadLetterQueue | undefined;
  /** The source, or a slot, has a dead letter queue. */
  readonly queues: boolean;
  readonly droppedKinds: DroppedKinds;
}

interface QueueSlots {
  readonly technology: string;
  /** Undefined: there is no queue. */
  readonly deadLetters: DeadLetterQueue | undefined;
  readonly otherQueue: DeadLetterQueue | undefined;
}

export const deadLetterParts = (slots: QueueSlots, events: EventBus): DeadLetterParts => ({
  deadLetterQueue: slots.otherQueue,
  queues: slots.deadLetters !== undefined,
  droppedKinds: new DroppedKinds(events),
});

/**
 * Warns where messages that are given up are dropped and no option says so.
 * @param transport the option of the transport
 * @throws MissingSlotError where a strategy needs a dead letter queue, and there is none
 */
export function requireStrategies(
  handlers: readonly PlannedHandler[],
  transport: DeadLetterStrategy | undefined,
  { deadLetters, technology }: QueueSlots,
  events: EventBus,
): void {
  if (deadLetters) return;
  const queues = handlers.find(({ bound }) => bound.deadLetter === 'queue');
  if (queues || transport === 'queue') {
    const who = queues?.bound.name ?? 'the transport';
    throw new MissingSlotError('deadLetterQueue', `${who} has the strategy deadLetter: 'queue'`);
  }
  const unset = handlers.find(({ bound }) => bound.deadLetter === undefined);
  if (!unset) return;
  const message =
    `There is no dead letter queue: ${technology} has none, and the slot deadLetterQueue is empty. ` +
    `Messages that ${unset.bound.name} gives up are dropped. Fill the slot, or set the option ` +
    'deadLetter.';
  events.emit('warning', { code: 'NO_DEAD_LETTER_QUEUE', message });
}
