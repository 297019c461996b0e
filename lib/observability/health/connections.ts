import type { EventBus } from '../../core/event-bus.js';
import type { StreamsEvents } from '../../core/events.js';
import type { Reason } from './health-report.js';

type Named = StreamsEvents['connected'];

/** Follows the connections of a transport by their events. */
export class Connections {
  private readonly working = new Map<string, Named>();
  private readonly broken = new Map<string, Named & { readonly error: Error }>();
  /** When the last connection that reading needs became usable again: `now()` of the clock. */
  healedAt = -Infinity;

  constructor(events: EventBus, now: () => number) {
    events.on('connected', (connection) => {
      this.heals(connection, now());
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
      this.heals(connection, now());
    });
  }

  /** No connection of some role works that reading needs. */
  get isOutage(): boolean {
    return [...this.broken.values()].some((broken) => this.isNeeded(broken));
  }

  /** All connections work that reading needs. */
  get areComplete(): boolean {
    return [...this.broken.values()].every(({ role }) => EXTRAS.has(role));
  }

  /** Down where no connection of the role works; degraded where others of the role do. */
  causes(): Reason[] {
    return [...this.broken.values()].map((broken) => {
      const message = `The connection "${broken.role}" is broken: ${broken.error.message}`;
      return this.isNeeded(broken)
        ? { code: 'disconnected', status: 'down', message }
        : { code: 'connection-broken', status: 'degraded', message };
    });
  }

  private isNeeded({ role }: Named): boolean {
    return !EXTRAS.has(role) && ![...this.working.values()].some((other) => other.role === role);
  }

  private heals(connection: Named, now: number): void {
    const { role } = connection;
    if (this.broken.delete(nameOf(connection)) && !EXTRAS.has(role)) this.healedAt = now;
  }
}

/** Without a connection of these roles everything works, only later. */
const EXTRAS: ReadonlySet<string> = new Set(['hints']);

const nameOf = ({ role, connection = 0, slots = [] }: Named): string =>
  `${role} ${connection} ${slots.join()}`;
