import { redis } from './drivers/redis/redis.driver.js';
import { REDIS_OPTION_KEYS, type RedisOptions } from './drivers/redis/redis.options.js';
import { redisProblems } from './drivers/redis/redis.problems.js';
import type { StreamsOptions } from './options/streams-options.js';

/** Options with Redis in every slot: where Redis is, beside everything else. */
export type RedisStreamsOptions = RedisOptions &
  Omit<StreamsOptions, 'source'> & {
    /**
     * What the sentinels call the master, in an application with several sets of connections: `name`
     * is then the name of the set. @default `name`, where there are sentinels
     */
    readonly masterName?: string;
  };

/** Sorts them: what is Redis's goes to its driver, and all problems are reported together. */
export function fromRedisOptions(given: RedisStreamsOptions): {
  options: StreamsOptions;
  problems: string[];
} {
  const { masterName, name, ...others } = withMasterName(given);
  const own = new Set<string>(REDIS_OPTION_KEYS);
  const entries = Object.entries(others);
  const connection: RedisOptions = {
    ...Object.fromEntries(entries.filter(([key]) => own.has(key))),
    ...(masterName !== undefined && others.sentinels && { name: masterName }),
  };
  const problems = redisProblems(connection);
  if (masterName !== undefined && !others.sentinels) {
    problems.push('masterName has no effect without sentinels');
  }
  const rest = Object.fromEntries(entries.filter(([key]) => !own.has(key)));
  return {
    options: { ...rest, ...(name !== undefined && { name }), source: redis(connection) },
    problems,
  };
}

/** Beside sentinels `name` is the master's, as everywhere else, unless that is named by itself. */
export function withMasterName<Options extends RedisStreamsOptions>(given: Options): Options {
  if (given.sentinels === undefined || given.masterName !== undefined) return given;
  const { name: masterName = '', ...rest } = given;
  return { ...rest, masterName } as unknown as Options;
}
