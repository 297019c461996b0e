import { OpenSubscriptions } from '../../connections/open-subscriptions.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { OutgoingEntry } from '../../../core/message.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { MessageSource, Settling } from '../../../ports/source.js';
import type { SubscribeOptions, Subscription } from '../../../ports/subscription.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import { typedError } from '../errors/typed-error.js';
import type { Names } from '../names/names.js';
import { WildcardWarning } from '../names/wildcard-warning.js';
import type { BufferLimits } from './core-buffer.js';
import { CORE_CAPABILITIES } from './core.capabilities.js';
import { refuseStartId } from './core-ids.js';
import { CorePublishing } from './core-publishing.js';
import { settleOne, type CoreSettlingParts } from './core-settling.js';
import { CoreSubscription } from './core.subscription.js';

export interface CoreSourceParts {
  readonly connection: NatsConnection;
  readonly events: EventBus;
  readonly names: Names;
  readonly limits: BufferLimits;
  readonly deadLetters?: CoreSettlingParts['deadLetters'];
  /** What is closed with the source, one after the other, the connection last. */
  readonly closing: readonly { close(): Promise<void> }[];
}

/** Messages of NATS without JetStream: each goes to who reads at that moment, and is kept by no server. */
export class CoreSource implements MessageSource {
  readonly capabilities = CORE_CAPABILITIES;
  private readonly publishing: CorePublishing;
  private readonly wildcards: WildcardWarning;
  private readonly subscriptions = new OpenSubscriptions<CoreSubscription>();
  private closed: Promise<void> | undefined;

  constructor(private readonly parts: CoreSourceParts) {
    this.publishing = new CorePublishing(parts.connection, parts.names);
    this.wildcards = new WildcardWarning(parts.events);
  }

  publish(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]> {
    return this.publishing.publish(entries);
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    refuseStartId(options.startId);
    this.wildcards.look(options.streams);
    return this.subscriptions.open(
      (onClosed) => new CoreSubscription(options, { ...this.parts, onClosed }),
    );
  }

  settle(batch: readonly Settling[]): Promise<(SettleOutcome | Error)[]> {
    const parts = { publishing: this.publishing, deadLetters: this.parts.deadLetters };
    return Promise.all(
      batch.map((settling) =>
        settleOne(settling, parts).catch((error: unknown) => typedError(error, 'settling')),
      ),
    );
  }

  close(): Promise<void> {
    this.closed ??= this.end();
    return this.closed;
  }

  private async end(): Promise<void> {
    await this.subscriptions.close();
    for (const part of this.parts.closing) await part.close();
  }
}
