import { keysOf } from '../../../lib/config/file-keys.js';
import type { DeclaredOptions } from '../../../lib/core/option-schema/option.js';
import { KAFKA_OPTIONS } from '../../../lib/drivers/kafka/connection/kafka.options.js';
import { NATS_OPTIONS } from '../../../lib/drivers/nats/connection/nats.options.js';
import { REDIS_OPTIONS } from '../../../lib/drivers/redis/connection/redis.options.js';
import { MEMORY_OPTIONS } from '../../../lib/drivers/memory/memory.driver.js';
import { COMMITS_OPTIONS } from '../../../lib/options/commits-options.js';
import { BACKOFF_OPTIONS, BATCH_OPTIONS } from '../../../lib/options/handler-options.js';
import { LAG_OPTIONS, LAG_THRESHOLD } from '../../../lib/options/lag-options.js';
import { RETENTION_RULE } from '../../../lib/options/retention-options.js';
import { NAMED_DRIVER_OPTIONS, SLOTS_OPTIONS } from '../../../lib/options/slots-options.js';
import { SETTINGS_OPTIONS } from '../../../lib/options/streams-options.js';

/** The declarations of options that files may have, by their types. */
const IN_FILES: Readonly<Record<string, DeclaredOptions>> = {
  StreamsOptions: SETTINGS_OPTIONS as DeclaredOptions,
  Slots: SLOTS_OPTIONS as DeclaredOptions,
  NamedDriver: NAMED_DRIVER_OPTIONS as DeclaredOptions,
  BackoffOptions: BACKOFF_OPTIONS as DeclaredOptions,
  BatchOptions: BATCH_OPTIONS as DeclaredOptions,
  CommitsOptions: COMMITS_OPTIONS as DeclaredOptions,
  LagOptions: LAG_OPTIONS as DeclaredOptions,
  LagThreshold: LAG_THRESHOLD as DeclaredOptions,
  RetentionRule: RETENTION_RULE as DeclaredOptions,
  RedisOptions: REDIS_OPTIONS as DeclaredOptions,
  KafkaOptions: KAFKA_OPTIONS as DeclaredOptions,
  NatsOptions: NATS_OPTIONS as DeclaredOptions,
  MemoryOptions: MEMORY_OPTIONS as DeclaredOptions,
};

/** Groups of options that stand in a file beside the ones of a transport. */
const BESIDE = ['slots'];

/**
 * What files of configuration call the options of a type. Undefined: no file has options of this
 * type.
 */
export function namesInFiles(type: string): ((option: string) => string) | undefined {
  const shape = IN_FILES[type];
  if (!shape) return undefined;
  const keys = [...keysOf(shape)].filter(([, { as }]) => as.kind.form);
  return (option) => {
    const names = keys.filter(([, { targets }]) =>
      targets.some(({ path }) => path.length === 1 && path[0] === option),
    );
    const beside = BESIDE.filter((name) => name === option);
    return (
      [...names.map(([name]) => name), ...beside].map((name) => `\`${name}\``).join(', ') || '—'
    );
  };
}
