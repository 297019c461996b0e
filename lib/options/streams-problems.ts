import { isEntryId } from '../core/entry-id.js';
import { routeEvents } from '../core/routing.js';
import { lagProblems } from './lag-problems.js';
import { backoffProblems, truth, whole, type Problems } from './problems.js';
import { retentionProblems } from './retention-problems.js';
import { STREAMS_OPTION_KEYS, type StreamsOptions } from './streams-options.js';

/** A day, in ms. A blocked read needs no more, and timers of Node have a limit. */
const LONGEST_WAIT = 86_400_000;

/** What each number must be at least, and at most. */
const NUMBERS = [
  ['idleTimeout', 1],
  ['reclaimInterval', 1],
  ['crashedAfter', 1],
  ['maxHold', 1],
  ['requestTimeout', 1],
  ['workflowTtl', 1],
  ['retentionInterval', 1, LONGEST_WAIT],
  ['blockTimeout', 1, LONGEST_WAIT],
  ['maxDeliveries', 1],
  ['concurrency', 1],
  ['batchSize', 1],
  ['maxParked', 1],
  ['maxPayloadBytes', 1],
  ['gracePeriod', 0],
] as const satisfies readonly [keyof StreamsOptions, number, number?][];

/** What an application may bring: a method that tells whether it is one, and all that it must have. */
const PARTS = [
  ['deadLetter', 'put', 'a dead letter queue with put, list, get, redrive and purge'],
  ['state', 'setIfAbsent', 'a state store with get, set, setIfAbsent, delete and exists'],
  ['inbox', 'run', 'an inbox with run(key, ttl, work)'],
  ['codec', 'decode', 'a codec with name, encode, eventType and decode'],
] as const satisfies readonly [keyof StreamsOptions, string, string][];

/** What is wrong with options, as sentences. */
export function problemsOf(options: StreamsOptions): Problems {
  const problems = Object.keys(options)
    .filter((key) => !(key in STREAMS_OPTION_KEYS))
    .map((key) => `${key} is not an option: is it misspelt, or one of another driver?`);
  textProblems(problems, options);
  for (const [key, min, max] of NUMBERS) whole(problems, options, key, min, max);
  truth(problems, options, 'plainInstructions');
  windowProblems(problems, options.idempotencyWindow);
  backoffProblems(problems, options.backoff);
  routeProblems(problems, options.routes);
  partProblems(problems, options);
  return [...problems, ...retentionProblems(options.retention), ...lagProblems(options.lag)];
}

function textProblems(problems: Problems, options: StreamsOptions): void {
  const { keyPrefix, startId, unmatched } = options;
  for (const key of ['name', 'group', 'consumer'] as const) {
    const value = options[key];
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      problems.push(`${key} must be a text that is not empty`);
    }
  }
  if (keyPrefix !== undefined && typeof keyPrefix !== 'string') {
    problems.push('keyPrefix must be a text');
  }
  if (startId !== undefined && startId !== '$' && !isEntryId(startId)) {
    problems.push(`startId must be '0', '$' or an id such as 1700000000000-0, not '${startId}'`);
  }
  if (unmatched && !['ack', 'dead-letter', 'leave'].includes(unmatched)) {
    problems.push(`unmatched must be 'ack', 'dead-letter' or 'leave', not '${unmatched}'`);
  }
}

function partProblems(problems: Problems, options: StreamsOptions): void {
  const { source, middleware, isUnrecoverable } = options;
  if (typeof source?.open !== 'function') {
    problems.push('source must be a driver, for example memory() or redis({ url })');
  }
  for (const [key, method, needed] of PARTS) {
    const part = options[key] as Readonly<Record<string, unknown>> | undefined;
    if (part && typeof part[method] !== 'function') problems.push(`${key} must be ${needed}`);
  }
  if (middleware && !middleware.every?.((one) => typeof one === 'function')) {
    problems.push('middleware must be a list of functions (delivery, next) => settlement');
  }
  if (isUnrecoverable && typeof isUnrecoverable !== 'function') {
    problems.push('isUnrecoverable must be a function from an error to true or false');
  }
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
