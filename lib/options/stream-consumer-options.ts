import type { Codec } from '../core/codec.js';
import { InvalidOptionsError } from '../core/errors/start-up.errors.js';
import type { BackoffOptions, UnmatchedPolicy } from '../core/handler-options.js';
import { handlerProblems } from './handler-problems.js';
import { resolveOptions } from './resolve-options.js';
import {
  STREAMS_OPTION_KEYS,
  type ResolvedOptions,
  type StreamsOptions,
} from './streams-options.js';
import { problemsOf } from './streams-problems.js';

/** Options of `StreamConsumers.create`. What is left out is as in the module. Times in ms. */
export interface StreamConsumerOptions {
  /** Stream to read. */
  readonly stream?: string;
  /** Streams to read, instead of `stream`. */
  readonly streams?: readonly string[];
  /** Each group gets every message; its consumers share them. @default that of the module */
  readonly group?: string;
  /**
   * Name in the group. Two consumers of one process that read the same stream in the same group need
   * different ones. @default that of the module
   */
  readonly consumer?: string;
  /** False: `subscribe` rejects where the group is missing. @default true */
  readonly createGroup?: boolean;
  /** Where a new group begins: `'0'` all, `'$'` only new messages, or an id. */
  readonly startId?: string;
  /** Callbacks at a time. @default the bound of the module, shared with all else that runs there */
  readonly concurrency?: number;
  /** Longest wait of one blocking read, ms. */
  readonly blockTimeout?: number;
  /** An entry not kept fresh for so long, ms, is taken over by another consumer. */
  readonly idleTimeout?: number;
  /** How often abandoned entries are looked for, ms. */
  readonly reclaimInterval?: number;
  /** A consumer that holds entries and was silent for so long, ms, is reported as crashed. */
  readonly crashedAfter?: number;
  /** Runs in all before the dead letter queue. */
  readonly maxDeliveries?: number;
  /** Wait between runs. */
  readonly backoff?: BackoffOptions;
  /** A callback that takes longer, ms, has failed. @default none */
  readonly timeout?: number;
  /** After so long, ms, an entry is no longer kept from other consumers. */
  readonly maxHold?: number;
  /** How long `close` waits for running callbacks, ms. */
  readonly gracePeriod?: number;
  /** Most entries that one read asks for. */
  readonly batchSize?: number;
  /** Reading pauses while so many entries wait for a retry. */
  readonly maxParked?: number;
  /** What becomes of event types that were not asked for. @default 'ack' */
  readonly unmatched?: UnmatchedPolicy;
  /** Shape of entries. */
  readonly codec?: Codec;
  /** Errors that no later run can mend. */
  readonly isUnrecoverable?: (error: unknown) => boolean;
}

/** {@link StreamConsumerOptions} with everything decided. */
export interface ResolvedConsumerOptions {
  readonly streams: readonly string[];
  readonly createGroup: boolean;
  readonly timeout: number | undefined;
  /** Undefined: bounded by the module. */
  readonly concurrency: number | undefined;
  /** What is left of the options of the module. */
  readonly settings: ResolvedOptions;
}

const OWN = ['stream', 'streams', 'createGroup', 'timeout'] as const;

const SHARED = [
  'group',
  'consumer',
  'startId',
  'concurrency',
  'blockTimeout',
  'idleTimeout',
  'reclaimInterval',
  'crashedAfter',
  'maxDeliveries',
  'backoff',
  'maxHold',
  'gracePeriod',
  'batchSize',
  'maxParked',
  'unmatched',
  'codec',
  'isUnrecoverable',
] as const satisfies readonly (keyof StreamConsumerOptions & keyof StreamsOptions)[];

/** @throws InvalidOptionsError naming every problem */
export function resolveConsumerOptions(
  given: StreamConsumerOptions,
  module: ResolvedOptions,
): ResolvedConsumerOptions {
  const own = Object.fromEntries(
    SHARED.filter((key) => given[key] !== undefined).map((key) => [key, given[key]]),
  ) as Omit<StreamsOptions, 'source'>;
  const problems = [...ownProblems(given), ...problemsOf({ ...own, source: module.source })];
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  // They follow from other times.
  const { reclaimInterval, crashedAfter, ...inherited } = asGiven(module);
  const sameTimes = own.idleTimeout === undefined && own.blockTimeout === undefined;
  return {
    streams: given.streams ?? [given.stream!],
    createGroup: given.createGroup ?? true,
    timeout: given.timeout,
    concurrency: given.concurrency,
    settings: resolveOptions({
      ...inherited,
      ...(reclaimInterval !== undefined && own.idleTimeout === undefined && { reclaimInterval }),
      ...(crashedAfter !== undefined && sameTimes && { crashedAfter }),
      ...own,
      backoff: { ...module.backoff, ...own.backoff },
    }),
  };
}

/** Options as they are given, of options that were resolved. */
function asGiven(module: ResolvedOptions): StreamsOptions {
  const keys = Object.keys(STREAMS_OPTION_KEYS) as (keyof StreamsOptions)[];
  const given = keys.filter((key) => module[key] !== undefined).map((key) => [key, module[key]]);
  return Object.fromEntries(given) as StreamsOptions;
}

function ownProblems(given: StreamConsumerOptions): string[] {
  const known: readonly string[] = [...OWN, ...SHARED];
  const problems = Object.keys(given)
    .filter((key) => !known.includes(key))
    .map((key) => `${key} is no option of a consumer; there are ${known.join(', ')}`);
  const { stream, streams, createGroup, timeout } = given;
  if ((stream === undefined) === (streams === undefined)) {
    problems.push('give stream or streams, and not both');
  }
  const named: unknown[] = Array.isArray(streams) ? streams : [stream ?? streams];
  if (named.length === 0 || !named.every((name) => typeof name === 'string' && name !== '')) {
    problems.push('stream must be the name of a stream, streams a list of names');
  }
  if (new Set(named).size < named.length) problems.push('streams must not name one twice');
  if (createGroup !== undefined && typeof createGroup !== 'boolean') {
    problems.push('createGroup must be true or false');
  }
  return [...problems, ...handlerProblems({ ...(timeout !== undefined && { timeout }) })];
}
