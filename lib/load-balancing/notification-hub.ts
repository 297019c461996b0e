import type { EventBus } from '../core/event-bus.js';
import { Notifications, type StreamNotification } from './notifications.js';

/**
 * Most notifications that may wait for their reader. Beyond that this consumer takes no more
 * streams.
 */
const MOST_UNHEARD = 500;

/** Passes notifications to listeners, and to the record that `init` returns. */
export class NotificationHub {
  private readonly listeners = new Set<(notification: StreamNotification) => void>();
  private notifications: Notifications | undefined;
  private warned = false;

  constructor(private readonly options: { readonly events: EventBus; readonly service: string }) {}

  /** @returns a function that stops listening */
  listen(listener: (notification: StreamNotification) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Starts the record: it keeps the notifications from now on until a listener reads them. */
  record(): Notifications {
    this.notifications ??= new Notifications();
    return this.notifications;
  }

  tell(notification: StreamNotification): void {
    this.notifications?.push(notification);
    for (const listener of [...this.listeners]) listener(notification);
  }

  /** Sends the last notification. */
  end(reason: string, error?: Error): void {
    this.tell({ type: 'StreamTerminated', reason, ...(error && { error }) });
    this.notifications?.end();
  }

  /**
   * The try for which this record was started has failed. Several callers may have waited for the
   * same try.
   */
  fail(log: Notifications, error: Error): void {
    if (this.notifications !== log || log.ended) return;
    this.end(error.message, error);
    this.notifications = undefined;
  }

  /**
   * True where the record has too many unread notifications: other consumers should take the
   * streams. Warns once.
   */
  get isUnheard(): boolean {
    const { waiting = 0 } = this.notifications ?? {};
    if (waiting <= MOST_UNHEARD) return false;
    if (!this.warned) {
      this.warned = true;
      const { events, service } = this.options;
      const message = `${waiting} notifications of service "${service}" wait for the caller of init(): it takes no more streams until they are read`;
      events.emit('warning', { code: 'NOTIFICATIONS_UNHEARD', message });
    }
    return true;
  }
}
