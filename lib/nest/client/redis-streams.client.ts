import type { RedisStreamsOptions } from '../../redis.preset.js';
import { StreamsRuntime } from '../../runtime.js';
import { openRedis } from '../transport/redis-streams.transport.js';
import { StreamsClient } from './streams.client.js';

/**
 * The client with Redis in every slot.
 *
 * ```ts
 * ClientsModule.register([{ name: 'ORDERS', customClass: RedisStreamsClient, options: { url } }]);
 * ```
 */
export class RedisStreamsClient extends StreamsClient {
  /** @throws InvalidOptionsError naming every problem */
  constructor(options: RedisStreamsOptions);
  /** @internal */
  constructor(options: RedisStreamsOptions | StreamsRuntime);
  constructor(options: RedisStreamsOptions | StreamsRuntime) {
    const shared = options instanceof StreamsRuntime;
    super(shared ? options : openRedis(options), !shared);
  }
}
