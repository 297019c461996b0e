import type { EventBus } from '../../core/events.js';

/** Words of a transport's and a client's `status`, as Nest's own use them. */
export type StreamsStatus = 'connected' | 'reconnecting' | 'disconnected';

/** Turns the fate of all connections into one status. */
export class ConnectionStatus {
  private readonly broken = new Set<string>();
  private closed = false;

  constructor(
    events: EventBus,
    private readonly change: (status: StreamsStatus) => void,
  ) {
    events.on('disconnected', ({ role }) => {
      this.broken.add(role);
      this.tell('reconnecting');
    });
    events.on('connected', ({ role }) => {
      this.broken.delete(role);
      this.opened();
    });
  }

  /** Nothing is known to be broken. */
  opened(): void {
    if (this.broken.size === 0) this.tell('connected');
  }

  /** Of what happens from now on nothing is told. */
  close(): void {
    this.tell('disconnected');
    this.closed = true;
  }

  private tell(status: StreamsStatus): void {
    if (!this.closed) this.change(status);
  }
}
