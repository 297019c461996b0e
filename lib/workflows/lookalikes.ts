import type { BoundHandler, Delivery } from '../core/delivery.js';
import type { EventBus } from '../core/events.js';
import { lookalike } from './instructions.js';

/** Tells of results that look like instructions, though none were made: each, and once in words. */
export class Lookalikes {
  private readonly warned = new WeakSet<BoundHandler>();

  constructor(private readonly events: EventBus) {}

  /** @param results of one run, of which the first that looks so is told of */
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
