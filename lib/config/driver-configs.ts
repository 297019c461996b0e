import { Option } from '../core/option-schema/option.js';
import { isRecord, type Shape } from '../core/option-schema/shape.js';
import { MEMORY_OPTIONS } from '../drivers/memory/memory.driver.js';
import { KAFKA_OPTIONS } from '../drivers/kafka/connection/kafka.options.js';
import { NATS_OPTIONS } from '../drivers/nats/connection/nats.options.js';
import { POSTGRES_OPTIONS } from '../drivers/postgres/connection/postgres.options.js';
import { REDIS_OPTIONS } from '../drivers/redis/connection/redis.options.js';
// Files may name these drivers, whether or not the application imports their doors.
import '../runtime/kafka-by-name.js';
import '../runtime/nats-by-name.js';
import '../runtime/postgres-by-name.js';
import '../runtime/redis.preset.js';
import type { NamedDriverFactory } from '../options/slots-options.js';
import type { ConfigDrivers, ConfigSchema } from './config-drivers.js';

/** The options of the drivers of this package, as they are declared. */
export const DECLARED_DRIVERS: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ['memory', MEMORY_OPTIONS],
  ['kafka', KAFKA_OPTIONS],
  ['nats', NATS_OPTIONS],
  ['postgres', POSTGRES_OPTIONS],
  ['redis', REDIS_OPTIONS],
]);

/** How the options of a driver are checked. */
export type DriverCheck =
  | { readonly by: 'declaration'; readonly shape: Shape }
  | { readonly by: 'schema'; readonly schema: ConfigSchema }
  | { readonly by: 'driver'; readonly make: NamedDriverFactory };

/** Undefined: the driver is not known. The start says so. */
export function checkFor(name: unknown, drivers: ConfigDrivers): DriverCheck | undefined {
  if (typeof name !== 'string') return undefined;
  const own = Object.hasOwn(drivers, name) ? drivers[name] : undefined;
  if (typeof own === 'function') return { by: 'driver', make: own };
  if (own) return { by: 'schema', schema: own.schema };
  const shape = DECLARED_DRIVERS.get(name);
  return shape && { by: 'declaration', shape };
}

/** The functions that make these drivers, for the option `drivers`. */
export const factoriesOf = (drivers: ConfigDrivers): Record<string, NamedDriverFactory> =>
  Object.fromEntries(
    Object.entries(drivers).map(([name, given]) => [
      name,
      typeof given === 'function' ? given : given.driver,
    ]),
  );

const lacksDriver = (given: unknown): boolean =>
  typeof given !== 'function' &&
  !(isRecord(given) && typeof given['driver'] === 'function' && isSchema(given['schema']));

/** A schema may be an object or a function. */
const isSchema = (given: unknown): boolean =>
  typeof (given as Partial<ConfigSchema> | undefined)?.['~standard']?.validate === 'function';

/** The option `drivers` of `loadConfig`. */
export const namedConfigDrivers = new Option<ConfigDrivers>({
  expected: 'an object of drivers, by their names',
  accepts: (given) => isRecord(given) && !Object.values(given).some(lacksDriver),
  within: (given, at) =>
    isRecord(given)
      ? Object.keys(given)
          .filter((name) => lacksDriver(given[name]))
          .map(
            (name) => `${at}.${name} must be a function that makes a driver, or { driver, schema }`,
          )
      : undefined,
});
