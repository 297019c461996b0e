import type { Delivery, Handler } from '../../core/delivery.js';
import { bounded, textOf } from '../../core/errors/text-of.js';
import { UnrecoverableError } from '../../core/errors/handling.errors.js';
import type { Message } from '../../core/message.js';
import type { SourceCapabilities } from '../../ports/source-capabilities.js';
import { ack, leave } from '../../core/settlement.js';

/** The parts of a delivery that a callback sees beside its message. */
export type EventDelivery = Pick<Delivery, 'attempt' | 'group' | 'consumer' | 'signal' | 'commit'>;

/**
 * Returns true to acknowledge the message, false to keep it pending. A thrown error is a failed
 * run.
 * @param message a plain object of its own
 */
export type EventCallback<T = unknown> = (
  message: Message<T>,
  delivery: EventDelivery,
) => boolean | Promise<boolean>;

/** Makes a handler of a callback. */
export function callbackHandler(
  callback: EventCallback,
  { leaves, technology }: SourceCapabilities,
): Handler {
  return async (delivery) => {
    const { id, stream, eventType, payload, metadata, timestamp } = delivery.message;
    const message = { id, stream, eventType, payload, metadata, timestamp };
    const answer: unknown = await callback(message, delivery);
    if (answer === true) return ack;
    if (answer === false && leaves) return leave;
    if (answer === false) {
      throw new UnrecoverableError(
        `The callback answered false, which keeps a message pending, and ${technology} cannot keep a single message pending. Answer true to acknowledge it, or throw an error to have it run again.`,
      );
    }
    // Another run would repeat the work, and return no better value.
    throw new UnrecoverableError(
      `The callback answered ${bounded(textOf(answer), 256)}. Answer true to acknowledge a message, false to keep it pending.`,
    );
  };
}
