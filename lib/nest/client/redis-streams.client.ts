import type { RedisStreamsOptions } from '../../runtime/redis.preset.js';
import type { StreamsRuntime } from '../../runtime/streams-runtime.js';
import { openRedis } from '../transport/redis-streams.transport.js';
import { StreamsClient, type StreamsClientExtras } from './streams.client.js';

/** Options of {@link RedisStreamsClient}. */
export type RedisStreamsClientOptions = RedisStreamsOptions & StreamsClientExtras;

/**
 * The client for Redis.
 *
 * ```ts
 * ClientsModule.register([{ name: 'ORDERS', customClass: RedisStreamsClient, options: { url } }]);
 * ```
 */
export class RedisStreamsClient extends StreamsClient {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static override readonly token: string = 'RedisStreamsClient';

  /** @throws InvalidOptionsError naming every problem */
  constructor(options: RedisStreamsClientOptions);
  /** @internal */
  constructor(options: RedisStreamsClientOptions | StreamsRuntime);
  constructor(options: RedisStreamsClientOptions | StreamsRuntime) {
    super(options as StreamsRuntime);
  }

  /** @internal */
  protected override open(options: RedisStreamsOptions): StreamsRuntime {
    return openRedis(options);
  }
}
