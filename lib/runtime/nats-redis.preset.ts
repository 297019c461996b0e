import { isDeepStrictEqual } from 'node:util';
import { nested } from '../core/option-schema/kinds.js';
import { refuse } from '../core/option-schema/refuse.js';
import { declareOptions, type Given } from '../core/option-schema/shape.js';
import { NATS_OPTIONS } from '../drivers/nats/connection/nats.options.js';
import { nats } from '../drivers/nats/nats.driver.js';
import { REDIS_OPTIONS } from '../drivers/redis/connection/redis.options.js';
import { redis } from '../drivers/redis/redis.driver.js';
import { SETTINGS_OPTIONS, type StreamsOptions } from '../options/streams-options.js';

const NATS_REDIS_SLOTS = declareOptions('natsRedis', {
  /**
   * The NATS server of the messages. They come over core NATS, which keeps none of them: see `mode`.
   * @default core NATS on 'nats://localhost:4222'
   */
  messageSource: nested(NATS_OPTIONS),
  /** The Redis server that keeps the state. @default 'redis://localhost:6379' */
  stateStore: nested(REDIS_OPTIONS),
  /**
   * The NATS server whose JetStream keeps dead letters.
   * @default none: messages that are given up are dropped. With `mode: 'jetstream'` that of the source
   */
  deadLetterQueue: nested(NATS_OPTIONS),
});

const NATS_REDIS_OPTIONS = declareOptions(NATS_REDIS_SLOTS.of, {
  ...SETTINGS_OPTIONS.options,
  ...NATS_REDIS_SLOTS.options,
});

/** What `natsRedis` takes: what fills the slots, and all other options. */
export interface NatsRedisOptions
  extends Given<typeof NATS_REDIS_SLOTS>, Omit<StreamsOptions, 'slots' | 'drivers'> {}

/**
 * Options of a module, transport or client with messages on NATS and state on Redis. Messages come over
 * core NATS, at most once, unless `messageSource.mode` is `'jetstream'`.
 *
 * ```ts
 * StreamsModule.forRoot(natsRedis({ group: 'order-processor-group', maxDeliveries: 4 }))
 * ```
 *
 * @throws InvalidOptionsError naming every problem
 */
export function natsRedis(options: NatsRedisOptions = {}): StreamsOptions {
  refuse(NATS_REDIS_OPTIONS.problems(options));
  const { messageSource, stateStore, deadLetterQueue, ...others } = options;
  const source = { mode: 'core', ...messageSource } as const;
  const messages = nats(source);
  // One connection, where both slots are the same.
  const letters = isDeepStrictEqual(source, deadLetterQueue)
    ? messages
    : deadLetterQueue && nats(deadLetterQueue);
  return {
    ...others,
    slots: {
      messageSource: messages,
      stateStore: redis(stateStore),
      ...(letters && { deadLetterQueue: letters }),
    },
  };
}
