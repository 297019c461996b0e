import type { BackoffOptions } from '../core/handler-options.js';
import { InvalidOptionsError } from '../core/errors/start-up.errors.js';
import { jsonCodec } from '../core/codecs/json.codec.js';
import { defaultConsumerName } from './consumer-name.js';
import type { ResolvedOptions, StreamsOptions } from './streams-options.js';
import { problemsOf } from './streams-problems.js';

export const DEFAULT_GROUP = 'nest-workers';

const DEFAULT_BLOCK = 5000;

const DEFAULT_BACKOFF: Required<BackoffOptions> = {
  type: 'exponential',
  delay: 1000,
  maxDelay: 60_000,
  jitter: 0.2,
};

/**
 * Defaults and checks all options at once.
 * @param alsoWrong problems that the caller found in options of its own, reported together
 * @throws InvalidOptionsError naming every problem
 */
export function resolveOptions(
  options: StreamsOptions,
  alsoWrong: readonly string[] = [],
): ResolvedOptions {
  const problems = [...alsoWrong, ...problemsOf(options)];
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  const idleTimeout = options.idleTimeout ?? 30_000;
  return Object.freeze({
    source: options.source,
    name: options.name ?? 'default',
    keyPrefix: options.keyPrefix ?? '',
    group: options.group ?? DEFAULT_GROUP,
    defaultGroup: options.group === undefined,
    consumer: options.consumer ?? defaultConsumerName(),
    startId: options.startId ?? '0',
    blockTimeout: options.blockTimeout ?? DEFAULT_BLOCK,
    idleTimeout,
    reclaimInterval: options.reclaimInterval ?? Math.min(Math.ceil(idleTimeout / 2), 5000),
    crashedAfter:
      options.crashedAfter ?? 3 * Math.max(idleTimeout, options.blockTimeout ?? DEFAULT_BLOCK),
    maxDeliveries: options.maxDeliveries ?? 5,
    gracePeriod: options.gracePeriod ?? 30_000,
    concurrency: options.concurrency ?? 100,
    batchSize: options.batchSize ?? 500,
    maxParked: options.maxParked ?? 1000,
    maxHold: options.maxHold ?? 3_600_000,
    backoff: resolveBackoff(options.backoff, DEFAULT_BACKOFF),
    routes: options.routes ?? [],
    deadLetter: options.deadLetter,
    state: options.state,
    inbox: options.inbox,
    maxPayloadBytes: options.maxPayloadBytes ?? 1_048_576,
    idempotencyWindow: options.idempotencyWindow ?? 3_600_000,
    workflowTtl: options.workflowTtl ?? 604_800_000,
    requestTimeout: options.requestTimeout ?? 30_000,
    codec: options.codec ?? jsonCodec,
    retention: options.retention ?? 'keep',
    retentionInterval: options.retentionInterval ?? 1000,
    lag: {
      interval: options.lag?.interval ?? 5000,
      recovery: options.lag?.recovery ?? 0.8,
      thresholds: options.lag?.thresholds ?? [],
    },
    unmatched: options.unmatched,
    plainInstructions: options.plainInstructions ?? false,
    isUnrecoverable: options.isUnrecoverable ?? (() => false),
    middleware: options.middleware ?? [],
  });
}

export const resolveBackoff = (
  given: BackoffOptions | undefined,
  base: Required<BackoffOptions>,
): Required<BackoffOptions> => Object.freeze({ ...base, ...given });
