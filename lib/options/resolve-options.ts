import type { BackoffOptions, HandlerOptions } from '../core/handler-options.js';
import { isEntryId } from '../core/entry-id.js';
import { InvalidOptionsError } from '../core/errors/start-up.errors.js';
import { jsonCodec } from '../core/codecs/json.codec.js';
import { orderByProblem } from '../core/order-by.js';
import { routeEvents } from '../core/routing.js';
import { lagProblems } from './lag-problems.js';
import { retentionProblems } from './retention-problems.js';
import { backoffProblems, whole, type Problems } from './problems.js';
import { onceProblems } from './handler-once.js';
import { defaultConsumerName } from './consumer-name.js';
import {
  STREAMS_OPTION_KEYS,
  type ResolvedOptions,
  type StreamsOptions,
} from './streams-options.js';

export const DEFAULT_GROUP = 'nest-workers';

const DEFAULT_BLOCK = 5000;

/** A day. A blocked read needs no more, and timers of Node have a limit. */
const LONGEST_BLOCK = 86_400_000;

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
    isUnrecoverable: options.isUnrecoverable ?? (() => false),
    middleware: options.middleware ?? [],
  });
}

export const resolveBackoff = (
  given: BackoffOptions | undefined,
  base: Required<BackoffOptions>,
): Required<BackoffOptions> => Object.freeze({ ...base, ...given });

/** What is wrong with the options that a handler set for itself. */
export function handlerProblems(options: HandlerOptions): string[] {
  const problems: Problems = [];
  whole(problems, options, 'concurrency', 1);
  whole(problems, options, 'maxDeliveries', 1);
  whole(problems, options, 'timeout', 1);
  whole(problems, options, 'maxHold', 1);
  backoffProblems(problems, options.backoff);
  onceProblems(problems, options);
  const order = orderByProblem(options.orderBy);
  if (order) problems.push(order);
  if (options.group === '') problems.push('group must not be empty');
  if (options.streams?.some((stream) => stream === '')) problems.push('stream must not be empty');
  return problems;
}

/** What is wrong with options, as sentences. */
export function problemsOf(options: StreamsOptions): Problems {
  const problems: Problems = Object.keys(options)
    .filter((key) => !(key in STREAMS_OPTION_KEYS))
    .map((key) => `${key} is not an option: is it misspelt, or one of another driver?`);
  if (typeof options.source?.open !== 'function') {
    problems.push('source must be a driver, for example memory() or redis({ url })');
  }
  for (const key of ['name', 'group', 'consumer'] as const) {
    const value = options[key];
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      problems.push(`${key} must be a text that is not empty`);
    }
  }
  if (options.keyPrefix !== undefined && typeof options.keyPrefix !== 'string') {
    problems.push('keyPrefix must be a text');
  }
  if (options.startId !== undefined && options.startId !== '$' && !isEntryId(options.startId)) {
    problems.push(
      `startId must be '0', '$' or an id such as 1700000000000-0, not '${options.startId}'`,
    );
  }
  const times = ['idleTimeout', 'reclaimInterval', 'crashedAfter', 'maxHold'] as const;
  for (const key of [...times, 'requestTimeout', 'workflowTtl'] as const)
    whole(problems, options, key, 1);
  whole(problems, options, 'retentionInterval', 1, LONGEST_BLOCK);
  problems.push(...retentionProblems(options.retention), ...lagProblems(options.lag));
  whole(problems, options, 'blockTimeout', 1, LONGEST_BLOCK);
  for (const key of ['maxDeliveries', 'concurrency', 'batchSize', 'maxParked'] as const) {
    whole(problems, options, key, 1);
  }
  whole(problems, options, 'maxPayloadBytes', 1);
  windowProblems(problems, options.idempotencyWindow);
  whole(problems, options, 'gracePeriod', 0);
  backoffProblems(problems, options.backoff);
  routeProblems(problems, options.routes);
  if (options.middleware && !options.middleware.every?.((one) => typeof one === 'function')) {
    problems.push('middleware must be a list of functions (delivery, next) => settlement');
  }
  if (options.deadLetter && typeof options.deadLetter.put !== 'function') {
    problems.push('deadLetter must be a dead letter queue with put, list, get, redrive and purge');
  }
  if (options.state && typeof options.state.setIfAbsent !== 'function') {
    problems.push('state must be a state store with get, set, setIfAbsent, delete and exists');
  }
  if (options.inbox && typeof options.inbox.run !== 'function') {
    problems.push('inbox must be an inbox with run(key, ttl, work)');
  }
  if (options.unmatched && !['ack', 'dead-letter', 'leave'].includes(options.unmatched)) {
    problems.push(`unmatched must be 'ack', 'dead-letter' or 'leave', not '${options.unmatched}'`);
  }
  if (options.isUnrecoverable && typeof options.isUnrecoverable !== 'function') {
    problems.push('isUnrecoverable must be a function from an error to true or false');
  }
  if (options.codec && typeof options.codec.decode !== 'function') {
    problems.push('codec must have name, encode, eventType and decode');
  }
  return problems;
}

function windowProblems(problems: Problems, window: StreamsOptions['idempotencyWindow']): void {
  if (window === undefined || window === 'native') return;
  if (Number.isSafeInteger(window) && window >= 1) return;
  problems.push(
    `idempotencyWindow must be 'native' or a whole number of at least 1, not ${String(window)}`,
  );
}

function routeProblems(problems: Problems, routes: StreamsOptions['routes']): void {
  if (routes === undefined) return;
  if (!Array.isArray(routes))
    return void problems.push('routes must be a list of { events, stream }');
  for (const [index, route] of routes.entries()) {
    if (!route?.stream) problems.push(`routes[${index}].stream must name a stream`);
    if (!route?.events || routeEvents(route).length === 0) {
      problems.push(`routes[${index}].events must name event types, such as 'issues.*'`);
    }
  }
}
