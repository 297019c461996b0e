import type { DriverFactory } from '../../ports/driver.js';
import { fromRedisOptions, type RedisStreamsOptions } from '../../runtime/redis.preset.js';
import { inAllSlots } from '../../runtime/slots/in-all-slots.js';
import { StreamsRuntime } from '../../runtime/streams-runtime.js';
import type { Serialization } from '../handling/handler-definitions.js';
import { StreamsTransport } from './streams.transport.js';

/** Options of {@link RedisStreamsTransport}. */
export type RedisStreamsTransportOptions = RedisStreamsOptions & Serialization;

/**
 * The transport for Redis.
 *
 * ```ts
 * const app = await NestFactory.createMicroservice(AppModule, {
 *   strategy: new RedisStreamsTransport({ url: 'redis://localhost:6379', group: 'orders' }),
 * });
 * ```
 */
export class RedisStreamsTransport extends StreamsTransport {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static override readonly token: string = 'RedisStreamsTransport';

  /** @throws InvalidOptionsError naming every problem */
  constructor(options: RedisStreamsTransportOptions);
  /** @internal */
  constructor(options: RedisStreamsTransportOptions | StreamsRuntime);
  constructor(options: RedisStreamsTransportOptions | StreamsRuntime) {
    super(options as StreamsRuntime);
  }

  /** @internal */
  protected override open(options: RedisStreamsOptions): StreamsRuntime {
    return openRedis(options);
  }
}

/**
 * @param source a driver in place of that of Redis
 * @throws InvalidOptionsError naming every problem
 */
export function openRedis(given: RedisStreamsOptions, source?: DriverFactory): StreamsRuntime {
  const options = fromRedisOptions(given);
  return new StreamsRuntime(source ? { ...options, slots: inAllSlots(source) } : options);
}
