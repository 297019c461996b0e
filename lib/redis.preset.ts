import { redis } from './drivers/redis/redis.driver.js';
import {
  REDIS_OPTION_KEYS,
  redisProblems,
  type RedisOptions,
} from './drivers/redis/redis.options.js';
import type { StreamsOptions } from './options/streams-options.js';

/** Options with Redis in every slot: where Redis is, beside everything else. */
export type RedisStreamsOptions = RedisOptions & Omit<StreamsOptions, 'source'>;

/** Sorts them: what is Redis's goes to its driver, and all problems are reported together. */
export function fromRedisOptions(given: RedisStreamsOptions): {
  options: StreamsOptions;
  problems: string[];
} {
  const own = new Set<string>(REDIS_OPTION_KEYS);
  const entries = Object.entries(given);
  const connection = Object.fromEntries(entries.filter(([key]) => own.has(key))) as RedisOptions;
  const rest = Object.fromEntries(entries.filter(([key]) => !own.has(key)));
  return {
    options: { ...rest, source: redis(connection) },
    problems: redisProblems(connection),
  };
}
