import type { EventBus } from '../core/events.js';
import { Notifications, type StreamNotification } from './notifications.js';

/** So many notifications may wait for their reader before no more streams are taken. */
const MOST_UNHEARD = 500;

/** Tells of what happens: to listeners, and to whoever has asked for a record of it. */
export class NotificationHub {
  private readonly listeners = new Set<(notification: StreamNotification) => void>();
  private notifications: Notifications | undefined;
  private warned = false;

  constructor(private readonly options: { readonly events: EventBus; readonly service: string }) {}

  /** @returns a function that ends it */
  listen(listener: (notification: StreamNotification) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** What happens from now on, whoever listens when. */
  record(): Notifications {
    this.notifications ??= new Notifications();
    return this.notifications;
  }

  tell(notification: StreamNotification): void {
    this.notifications?.push(notification);
    for (const listener of [...this.listeners]) listener(notification);
  }

  /** The last one. */
  end(reason: string, error?: Error): void {
    this.tell({ type: 'StreamTerminated', reason, ...(error && { error }) });
    this.notifications?.end();
  }

  /** An attempt that this record was begun for has failed. Several may have waited for the same one. */
  fail(log: Notifications, error: Error): void {
    if (this.notifications !== log || log.ended) return;
    this.end(error.message, error);
    this.notifications = undefined;
  }

  /** Nobody goes on listening: streams are better left to others. Says so, once. */
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
