import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { SubscribeOptions, Subscription } from '../../../ports/subscription.js';
import { OpenSubscriptions } from '../../connections/open-subscriptions.js';
import { refuseStartId } from '../ids/message-ids.js';
import { KafkaSubscription } from './kafka.subscription.js';
import type { StreamReadingsParts } from './stream-readings.js';

/** Opens the subscriptions of a source. */
export class KafkaReading {
  private readonly subscriptions = new OpenSubscriptions<KafkaSubscription>();
  private closed = false;

  constructor(private readonly parts: StreamReadingsParts) {}

  /** See `MessageSource.subscribe`. */
  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    if (this.closed) throw new ClosedError('The Kafka driver');
    refuseStartId(options.startId);
    const streams = [...new Set(options.streams)];
    return this.subscriptions.open(
      (onClosed) => new KafkaSubscription({ ...options, streams }, { ...this.parts, onClosed }),
    );
  }

  /** Members send nothing more and do not leave, as if the process were dead. For tests. */
  silence(): void {
    for (const subscription of this.subscriptions.all) subscription.silence();
  }

  /** Ends all subscriptions. */
  async close(): Promise<void> {
    this.closed = true;
    await this.subscriptions.close();
  }
}
