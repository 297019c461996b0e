import type { Clock } from '../../core/clock.js';
import type { EventBus } from '../../core/event-bus.js';

/** Roles of the connections over which consumers are read and announced. */
const ROLES: readonly string[] = ['commands', 'reader'];

/**
 * When the source was last away. For a while after an outage, other consumers may not have
 * announced themselves again.
 */
export class SourceOutages {
  private readonly broken = new Set<string>();
  private endedAt = -Infinity;

  constructor(
    events: EventBus,
    private readonly clock: Clock,
  ) {
    events.on('disconnected', ({ role, connection }) => {
      if (ROLES.includes(role)) this.broken.add(`${role} ${connection}`);
    });
    events.on('connected', ({ role, connection }) => this.over(`${role} ${connection}`));
    events.on('connection-retired', ({ role, connection }) => this.over(`${role} ${connection}`));
  }

  /**
   * How long ago the last outage ended, in milliseconds. 0 while it goes on, Infinity where there
   * was none.
   */
  get past(): number {
    return this.broken.size > 0 ? 0 : this.clock.now() - this.endedAt;
  }

  private over(connection: string): void {
    if (this.broken.delete(connection)) this.endedAt = this.clock.now();
  }
}
