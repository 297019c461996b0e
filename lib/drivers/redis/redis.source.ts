import type { Redis } from 'ioredis';
import type { EventBus } from '../../core/events.js';
import type { OutgoingEntry } from '../../core/message.js';
import type { SettleOutcome } from '../../core/settlement.js';
import type {
  MessageSource,
  Settling,
  SourceCapabilities,
  SubscribeOptions,
  Subscription,
} from '../../core/source.js';
import { Connection } from './connection.js';
import type { Connector } from './connector.js';
import type { Keys } from './keys.js';
import { Publishing } from './publishing.js';
import { RedisSubscription } from './redis.subscription.js';
import { ServerFeatures } from './server-features.js';
import { settleAll } from './settling.js';

const CAPABILITIES: SourceCapabilities = {
  technology: 'redis',
  redelivers: false,
  atomicPublish: true,
  atomicDeadLetter: true,
  durableAttempts: true,
  extends: true,
  idempotentPublish: true,
};

export interface RedisSourceOptions {
  readonly connector: Connector;
  readonly commands: Connection;
  readonly keys: Keys;
  readonly events: EventBus;
}

/** Redis Streams as a message source. */
export class RedisSource implements MessageSource {
  readonly capabilities = CAPABILITIES;
  private readonly subscriptions = new Set<RedisSubscription>();

  private readonly publishing: Publishing;

  constructor(private readonly options: RedisSourceOptions) {
    const { connector, keys, events } = options;
    const replyTimeout = connector.commandTimeout;
    const features = new ServerFeatures(events);
    const onConnected = (client: Redis) => features.probe(client);
    const connect = () =>
      new Connection({ connector, role: 'publisher', events, replyTimeout, onConnected });
    this.publishing = new Publishing(connect, replyTimeout, keys, features);
  }

  publish(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]> {
    return this.publishing.publish(entries);
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    const { connectTimeout } = this.options.connector;
    const subscription = new RedisSubscription({ ...options, ...this.options });
    this.subscriptions.add(subscription);
    await this.options.commands.ready('subscribing', connectTimeout);
    await subscription.open(connectTimeout);
    return subscription;
  }

  settle(batch: readonly Settling[]): Promise<(SettleOutcome | Error)[]> {
    return settleAll(batch, this.options.commands, this.options.keys);
  }

  async close(): Promise<void> {
    await Promise.all([...this.subscriptions].map((subscription) => subscription.close()));
    await this.publishing.close();
    await this.options.commands.close();
    this.options.connector.close();
  }
}
