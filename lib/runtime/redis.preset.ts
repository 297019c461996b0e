import { InvalidOptionsError } from '../core/errors/start-up.errors.js';
import { anyText } from '../core/option-schema/kinds.js';
import { declareOptions, type Given } from '../core/option-schema/shape.js';
import { redis } from '../drivers/redis/redis.driver.js';
import { REDIS_OPTIONS, type RedisOptions } from '../drivers/redis/connection/redis.options.js';
import { registerDriver } from './slots/driver-names.js';
import { inAllSlots } from './slots/in-all-slots.js';
import { streamPosition } from '../options/message-ids.js';
import { SETTINGS_OPTIONS, type StreamsOptions } from '../options/streams-options.js';

/** Slots may call the driver by its name where this preset is imported: from the root door. */
registerDriver('redis', redis);
export { redis };

type Loose = Readonly<Record<string, unknown>>;

const PRESET_OPTIONS = declareOptions('transports, clients and modules of Redis', {
  /**
   * With `sentinels`: their name of the master, in an application with several sets of connections.
   * `name` is then the name of the set. `redis()` knows no sets, and takes `name`. @default `name`
   */
  masterName: anyText(),
});

/** Options of Redis and all other options, in one object. */
export interface RedisStreamsOptions
  extends RedisOptions, Omit<StreamsOptions, 'slots' | 'drivers'>, Given<typeof PRESET_OPTIONS> {}

export const REDIS_STREAMS_OPTIONS = declareOptions(
  PRESET_OPTIONS.of,
  {
    ...REDIS_OPTIONS.options,
    ...SETTINGS_OPTIONS.options,
    ...PRESET_OPTIONS.options,
  },
  (given) => REDIS_OPTIONS.rules.flatMap((rule) => rule(connectionOf(given))),
  ({ masterName, sentinels }) =>
    masterName !== undefined && sentinels === undefined
      ? ['masterName has no effect without sentinels']
      : [],
  ({ startId }) => streamPosition(redis().ids).problems(startId, 'startId'),
);

/**
 * Splits the options: those of Redis go to its driver.
 * @throws InvalidOptionsError naming every problem of either
 */
export function fromRedisOptions(given: RedisStreamsOptions): StreamsOptions {
  const options = withMasterName(given);
  const problems = REDIS_STREAMS_OPTIONS.problems(options);
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  const others = Object.entries(options).filter(([name]) => name in SETTINGS_OPTIONS.options);
  return { ...Object.fromEntries(others), slots: inAllSlots(redis(connectionOf({ ...options }))) };
}

/** The options of the connection alone. Their `name` is that of the master. */
function connectionOf(given: Loose): RedisOptions {
  const { masterName, name: _, ...others } = given;
  const own = Object.entries(others).filter(([name]) => name in REDIS_OPTIONS.options);
  const named = masterName !== undefined && others['sentinels'] !== undefined;
  return { ...Object.fromEntries(own), ...(named && { name: masterName as string }) };
}

/** Beside sentinels `name` is the master's name, as in ioredis, unless `masterName` is given. */
export function withMasterName<Options extends RedisStreamsOptions>(given: Options): Options {
  if (given?.sentinels === undefined || given.masterName !== undefined) return given;
  const { name: masterName = '', ...rest } = given;
  // Without the key `name`, which would replace the default name of a module. TypeScript cannot tell
  // that the rest, with an option of its own, is still of the caller's type.
  return { ...rest, masterName } as unknown as Options;
}
