import { refuseStartId } from '../ids/message-ids.js';
import { WildcardWarning } from '../names/wildcard-warning.js';
import type { MessageSource } from '../../../ports/source.js';
import type { SubscribeOptions, Subscription } from '../../../ports/subscription.js';
import { NatsSubscription } from './nats.subscription.js';
import type { ReadingParts } from './readings.js';

/** Makes the subscriptions of the source, and closes those that are still open with it. */
export class Reading implements Pick<MessageSource, 'subscribe'> {
  private readonly subscriptions = new Set<NatsSubscription>();
  private readonly wildcards: WildcardWarning;

  constructor(private readonly parts: ReadingParts) {
    this.wildcards = new WildcardWarning(parts.events);
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    refuseStartId(options.startId);
    this.wildcards.look(options.streams);
    const subscription = new NatsSubscription(options, {
      ...this.parts,
      onClosed: (closed) => this.subscriptions.delete(closed),
    });
    this.subscriptions.add(subscription);
    try {
      await subscription.open();
    } catch (error) {
      await subscription.close();
      throw error;
    }
    return subscription;
  }

  async close(): Promise<void> {
    await Promise.all([...this.subscriptions].map((subscription) => subscription.close()));
  }
}
