import { OpenSubscriptions } from '../../connections/open-subscriptions.js';
import { refuseStartId } from '../ids/message-ids.js';
import { WildcardWarning } from '../names/wildcard-warning.js';
import type { MessageSource } from '../../../ports/source.js';
import type { SubscribeOptions, Subscription } from '../../../ports/subscription.js';
import { NatsSubscription } from './nats.subscription.js';
import type { ReadingParts } from './readings.js';

/** Makes the subscriptions of the source, and closes those that are still open with it. */
export class Reading implements Pick<MessageSource, 'subscribe'> {
  private readonly subscriptions = new OpenSubscriptions<NatsSubscription>();
  private readonly wildcards: WildcardWarning;

  constructor(private readonly parts: ReadingParts) {
    this.wildcards = new WildcardWarning(parts.events);
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    refuseStartId(options.startId);
    this.wildcards.look(options.streams);
    return this.subscriptions.open(
      (onClosed) => new NatsSubscription(options, { ...this.parts, onClosed }),
    );
  }

  async close(): Promise<void> {
    await this.subscriptions.close();
  }
}
