import type { Subscription } from '../../ports/subscription.js';

/** A subscription that has to be opened before it reads. */
interface Opened extends Subscription {
  /** @throws where it cannot begin to read */
  open(): Promise<void>;
}

/** The subscriptions of a source that are not closed yet. */
export class OpenSubscriptions<S extends Opened> {
  private readonly opened = new Set<S>();

  get all(): ReadonlySet<S> {
    return this.opened;
  }

  /**
   * Opens a subscription, and closes it where that fails.
   * @param make gets what the subscription calls when it was closed
   */
  async open(make: (onClosed: (closed: S) => void) => S): Promise<S> {
    const subscription = make((closed) => this.opened.delete(closed));
    this.opened.add(subscription);
    try {
      await subscription.open();
    } catch (error) {
      await subscription.close();
      throw error;
    }
    return subscription;
  }

  async close(): Promise<void> {
    await Promise.all([...this.opened].map((subscription) => subscription.close()));
  }
}
