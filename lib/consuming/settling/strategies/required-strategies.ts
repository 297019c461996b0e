import type { DeadLetterStrategy } from '../../../core/dead-letter-strategy.js';
import { MissingSlotError } from '../../../core/errors/slot.errors.js';
import { UnsupportedFeatureError } from '../../../core/errors/start-up.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { PlannedHandler } from '../../../options/handler-definition.js';
import type { DeadLetterQueue } from '../../../ports/dead-letters.js';
import type { Driver } from '../../../ports/driver.js';
import { DroppedKinds } from './dropped-kinds.js';

/** What consumers need for dead letters. */
export interface DeadLetterParts {
  /** A queue in place of the source's own. */
  readonly deadLetterQueue: DeadLetterQueue | undefined;
  /** The source, or a slot, has a dead letter queue. */
  readonly queues: boolean;
  /** The source can keep entries on hold. */
  readonly holds: boolean;
  readonly droppedKinds: DroppedKinds;
}

interface QueueSlots {
  readonly technology: string;
  /** Undefined: there is no queue. */
  readonly deadLetters: DeadLetterQueue | undefined;
  readonly otherQueue: DeadLetterQueue | undefined;
  /** Of the message source. */
  readonly driver: Driver;
}

export const deadLetterParts = (slots: QueueSlots, events: EventBus): DeadLetterParts => ({
  deadLetterQueue: slots.otherQueue,
  queues: slots.deadLetters !== undefined,
  holds: canHold(slots.driver),
  droppedKinds: new DroppedKinds(events),
});

const canHold = ({ held, source }: Driver): boolean =>
  held !== undefined && source.capabilities.leaves;

/**
 * Warns where messages that are given up are dropped and no option says so.
 * @param transport the option of the transport
 * @throws MissingSlotError where a strategy needs a dead letter queue, and there is none;
 * UnsupportedFeatureError where the source can hold nothing
 */
export function requireStrategies(
  handlers: readonly PlannedHandler[],
  transport: DeadLetterStrategy | undefined,
  { deadLetters, technology, driver }: QueueSlots,
  events: EventBus,
): void {
  const userOf = (strategy: DeadLetterStrategy): string | undefined =>
    handlers.find(({ bound }) => bound.deadLetter === strategy)?.bound.name ??
    (transport === strategy ? 'the transport' : undefined);
  const holding = canHold(driver) ? undefined : userOf('hold');
  if (holding !== undefined) {
    const advice = 'Use another strategy, or a driver that leaves entries and has the port held.';
    throw new UnsupportedFeatureError(`deadLetter: 'hold' of ${holding}`, technology, advice);
  }
  if (deadLetters) return;
  const who = userOf('queue');
  if (who !== undefined) {
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
