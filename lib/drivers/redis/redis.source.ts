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
import type { Keys } from './keys.js';
import { Publishing } from './publishing.js';
import type { RedisOptions } from './redis.options.js';
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
  readonly redis: RedisOptions;
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
    const { redis, keys, events } = options;
    const replyTimeout = redis.commandTimeout ?? 5000;
    const features = new ServerFeatures(events);
    const onConnected = (client: Redis) => features.probe(client);
    const connect = () =>
      new Connection({ redis, role: 'publisher', events, replyTimeout, onConnected });
    this.publishing = new Publishing(connect, replyTimeout, keys, features);
  }

  publish(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]> {
    return this.publishing.publish(entries);
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    const { connectTimeout = 10_000 } = this.options.redis;
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
  }
}
