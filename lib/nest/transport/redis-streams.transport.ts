import { fromRedisOptions, type RedisStreamsOptions } from '../../redis.preset.js';
import { StreamsRuntime } from '../../runtime.js';
import { StreamsTransport } from './streams.transport.js';

/**
 * The transport with Redis in every slot.
 *
 * ```ts
 * const app = await NestFactory.createMicroservice(AppModule, {
 *   strategy: new RedisStreamsTransport({ url: 'redis://localhost:6379', group: 'orders' }),
 * });
 * ```
 */
export class RedisStreamsTransport extends StreamsTransport {
  /** @throws InvalidOptionsError naming every problem */
  constructor(options: RedisStreamsOptions);
  /** @internal */
  constructor(options: RedisStreamsOptions | StreamsRuntime);
  constructor(options: RedisStreamsOptions | StreamsRuntime) {
    super(options as StreamsRuntime);
  }

  /** @internal */
  protected override open(options: RedisStreamsOptions): StreamsRuntime {
    return openRedis(options);
  }
}

/** @throws InvalidOptionsError naming every problem */
export function openRedis(given: RedisStreamsOptions): StreamsRuntime {
  const { options, problems } = fromRedisOptions(given);
  return new StreamsRuntime(options, problems);
}
