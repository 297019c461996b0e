import type { BoundHandler, Delivery } from '../core/delivery.js';
import type { EventBus } from '../core/event-bus.js';
import { lookalike } from './instructions.js';

/**
 * Reports results that look like instructions and are none: each by an event, and once per handler
 * by a warning.
 */
export class Lookalikes {
  private readonly warned = new WeakSet<BoundHandler>();

  constructor(private readonly events: EventBus) {}

  /**
   * @param result what left the exception filters
   * @param own what the method itself returned; looked at where `result` does not look like an
   * instruction
   */
  look(delivery: Delivery, result: unknown, own: unknown): void {
    const next = lookalike(result) ?? lookalike(own);
    if (next === undefined) return;
    const { stream, group, id } = delivery;
    const handler = delivery.handler!;
    this.events.emit('instruction-ignored', { stream, group, id, handler: handler.name, next });
    if (this.warned.has(handler)) return;
    this.warned.add(handler);
    this.events.emit('warning', {
      code: 'PLAIN_INSTRUCTION',
      message:
        `${handler.name} returned a plain object that looks like an instruction to publish "${next}". ` +
        `Nothing was published. If a next step was meant, return next('${next}', payload), or set the ` +
        'option plainInstructions.',
    });
  }
}
