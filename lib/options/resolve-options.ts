import { InvalidOptionsError } from '../core/errors/start-up.errors.js';
import { applicationName } from './application-name.js';
import { defaultConsumerName } from './consumer-name.js';
import { STREAMS_OPTIONS, type ResolvedOptions, type StreamsOptions } from './streams-options.js';

/**
 * Checks all options at once, and fills in their defaults.
 * @throws InvalidOptionsError naming every problem
 */
export function resolveOptions(options: StreamsOptions): ResolvedOptions {
  const problems = STREAMS_OPTIONS.problems(options);
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  const decided = STREAMS_OPTIONS.complete(options);
  const { idleTimeout, blockTimeout } = decided;
  return Object.freeze({
    ...decided,
    defaultGroup: options.group === undefined,
    consumer: decided.consumer ?? defaultConsumerName(),
    application: decided.application ?? applicationName(),
    reclaimInterval: decided.reclaimInterval ?? Math.min(Math.ceil(idleTimeout / 2), 5000),
    crashedAfter: decided.crashedAfter ?? 3 * Math.max(idleTimeout, blockTimeout),
  });
}

/** Leaves out what is undefined. */
export const defined = <T extends object>(
  given: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
