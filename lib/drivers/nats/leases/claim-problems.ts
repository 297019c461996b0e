import { systemClock } from '../../../core/clock.js';
import { ConnectionError } from '../../../core/errors/connection.errors.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { EventBus } from '../../../core/event-bus.js';

/** A problem that lasts is told again after this time, in milliseconds. */
const TELL_AGAIN = 60_000;

/** Tells why entries cannot be claimed that were delivered again: such entries stand still until then. */
export class ClaimProblems {
  private told: string | undefined;
  private toldAt = 0;

  constructor(private readonly events: EventBus) {}

  /** At most once a minute for the same problem. Other events tell of a server that cannot be reached. */
  tell(error: Error): void {
    if (error instanceof ConnectionError || error instanceof ClosedError) return;
    const now = systemClock.now();
    if (error.message === this.told && now - this.toldAt < TELL_AGAIN) return;
    this.told = error.message;
    this.toldAt = now;
    this.events.emit('worker-error', { worker: 'reclaimer', error });
  }
}
