import type { Delivery, Handler } from '../../core/delivery.js';
import { bounded, textOf } from '../../core/errors/text-of.js';
import { UnrecoverableError } from '../../core/errors/handling.errors.js';
import type { Message } from '../../core/message.js';
import { ack, leave } from '../../core/settlement.js';

/** What is known of the run beside its message. */
export type EventDelivery = Pick<Delivery, 'attempt' | 'group' | 'consumer' | 'signal'>;

/**
 * Answers true to acknowledge the message, false to keep it pending. Throwing is a failed run.
 * @param message a plain object of its own
 */
export type EventCallback<T = unknown> = (
  message: Message<T>,
  delivery: EventDelivery,
) => boolean | Promise<boolean>;

/** The callback as the engine runs it. */
export function callbackHandler(callback: EventCallback): Handler {
  return async (delivery) => {
    const { id, stream, eventType, payload, metadata, timestamp } = delivery.message;
    const message = { id, stream, eventType, payload, metadata, timestamp };
    const answer: unknown = await callback(message, delivery);
    if (answer === true) return ack;
    if (answer === false) return leave;
    // Run again, it would do its work again, and answer no better.
    throw new UnrecoverableError(
      `The callback answered ${bounded(textOf(answer), 256)}. Answer true to acknowledge a message, false to keep it pending.`,
    );
  };
}
