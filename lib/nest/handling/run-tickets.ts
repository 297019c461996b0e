import type { RunContext } from './run.context.js';

const FIRST_SIZE = 256;
/** Small enough for the engine to keep it out of the heap. */
const HIGHEST = 2 ** 30 - 1;

/**
 * Numbers that stand for runs while Nest's pipes look at the arguments. A number, because it passes
 * pipes that would copy, clean or validate an object; a ring, because this is paid for per message.
 */
export class RunTickets {
  private ring: (RunContext | undefined)[] = new Array(FIRST_SIZE).fill(undefined);
  private last = 0;
  private waiting = 0;

  issue(context: RunContext): number {
    if (++this.waiting * 2 > this.ring.length) this.grow();
    do this.last = (this.last % HIGHEST) + 1;
    while (this.ring[this.placeOf(this.last)] !== undefined);
    context.run.ticket = this.last;
    this.ring[this.placeOf(this.last)] = context;
    return this.last;
  }

  /** The run of this ticket, once. */
  redeem(ticket: unknown): RunContext | undefined {
    if (typeof ticket !== 'number') return undefined;
    const place = this.placeOf(ticket);
    const context = this.ring[place];
    if (context === undefined || context.run.ticket !== ticket) return undefined;
    this.ring[place] = undefined;
    this.waiting--;
    return context;
  }

  private placeOf(ticket: number): number {
    return ticket & (this.ring.length - 1);
  }

  private grow(): void {
    const waiting = this.ring;
    this.ring = new Array(waiting.length * 2).fill(undefined);
    // Twice the size keeps apart whatever the old size kept apart.
    for (const context of waiting) {
      if (context) this.ring[this.placeOf(context.run.ticket)] = context;
    }
  }
}
