import type { EventBus } from '../../core/event-bus.js';
import type { StreamsEvents } from '../../core/events.js';
import type { Reason } from './health-report.js';

type Named = StreamsEvents['connected'];

/** Follows the connections of a transport by their events. */
export class Connections {
  private readonly working = new Map<string, Named>();
  private readonly broken = new Map<string, Named & { readonly error: Error }>();
  /** When the last connection became usable again: `now()` of the clock. */
  healedAt = -Infinity;

  constructor(events: EventBus, now: () => number) {
    events.on('connected', (connection) => {
      if (this.broken.delete(nameOf(connection))) this.healedAt = now();
      this.working.set(nameOf(connection), connection);
    });
    const breaks = (connection: Named & { readonly error: Error }): void => {
      this.working.delete(nameOf(connection));
      this.broken.set(nameOf(connection), connection);
    };
    events.on('disconnected', breaks);
    events.on('unreachable', breaks);
    events.on('connection-retired', (connection) => {
      this.working.delete(nameOf(connection));
      if (this.broken.delete(nameOf(connection))) this.healedAt = now();
    });
  }

  get anyBroken(): boolean {
    return this.broken.size > 0;
  }

  /** Down where no connection of the role works; degraded where others of the role do. */
  causes(): Reason[] {
    return [...this.broken.values()].map(({ role, error }) => {
      const others = [...this.working.values()].some((other) => other.role === role);
      const message = `The connection "${role}" is broken: ${error.message}`;
      return others || EXTRAS.has(role)
        ? { code: 'connection-broken', status: 'degraded', message }
        : { code: 'disconnected', status: 'down', message };
    });
  }
}

/** Without a connection of these roles everything works, only later. */
const EXTRAS: ReadonlySet<string> = new Set(['hints']);

const nameOf = ({ role, connection = 0, slots = [] }: Named): string =>
  `${role} ${connection} ${slots.join()}`;
