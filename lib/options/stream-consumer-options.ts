import { InvalidOptionsError } from '../core/errors/start-up.errors.js';
import { backoff, HANDLER_OPTIONS } from './handler-options.js';
import { flag, list, text } from '../core/declaring/kinds.js';
import type { Problems } from '../core/declaring/option.js';
import { declareOptions, type Given } from '../core/declaring/shape.js';
import { defined, resolveOptions } from './resolve-options.js';
import { STREAMS_OPTIONS, type ResolvedOptions, type StreamsOptions } from './streams-options.js';

const shared = STREAMS_OPTIONS.options;

export const STREAM_CONSUMER_OPTIONS = declareOptions(
  'a consumer',
  {
    /** Stream to read. */
    stream: text('the name of a stream'),
    /** Streams to read, instead of `stream`. */
    streams: list(text(), 'a list of names of streams that is not empty', 1),
    /** Each group gets every message; its consumers share them. @default that of the module */
    group: text(),
    /**
     * Name in the group. Two consumers of one process that read the same stream in the same group need
     * different ones. @default that of the module
     */
    consumer: text(),
    /** False: `subscribe` rejects where the group is missing. @default true */
    createGroup: flag(),
    /** Where a new group begins: `'0'` all, `'$'` only new messages, or an id. */
    startId: shared.startId,
    /** Callbacks at a time. @default the bound of the module, shared with all else that runs there */
    concurrency: shared.concurrency,
    /**
     * Callbacks that go on after their timeout keep their place beyond this number. Counts where
     * `concurrency` is set, too.
     * @default that of the module; where the module has none, the concurrency, and 0 where that is 1
     */
    maxOverrun: shared.maxOverrun,
    /** Longest wait of one blocking read, in milliseconds. */
    blockTimeout: shared.blockTimeout,
    /** An entry not kept fresh for this time, in milliseconds, is taken over by another consumer. */
    idleTimeout: shared.idleTimeout,
    /** How often abandoned entries are looked for, in milliseconds. */
    reclaimInterval: shared.reclaimInterval,
    /** A consumer that holds entries and was silent for this time, in milliseconds, is reported as crashed. */
    crashedAfter: shared.crashedAfter,
    /** Runs in all before the dead letter queue. */
    maxDeliveries: shared.maxDeliveries,
    /** Wait between runs. */
    backoff: backoff(),
    /** A callback that takes longer, in milliseconds, has failed. @default none */
    timeout: HANDLER_OPTIONS.options.timeout,
    /** After this time, in milliseconds, an entry is no longer kept from other consumers. */
    maxHold: shared.maxHold,
    /** How long `close` waits for running callbacks, in milliseconds. */
    gracePeriod: shared.gracePeriod,
    /** Most entries that one read asks for. */
    batchSize: shared.batchSize,
    /** Reading pauses while so many entries wait for a retry. */
    maxParked: shared.maxParked,
    /** What becomes of event types that were not asked for. @default 'ack' */
    unmatched: shared.unmatched,
    /** Shape of entries. */
    codec: shared.codec,
    /** Errors that no later run can mend. */
    isUnrecoverable: shared.isUnrecoverable,
  },
  streamsNamed,
);

/** Options of `StreamConsumers.create`. What is left out is as in the module. Times in milliseconds. */
export interface StreamConsumerOptions extends Given<typeof STREAM_CONSUMER_OPTIONS> {}

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

/** @throws InvalidOptionsError naming every problem */
export function resolveConsumerOptions(
  given: StreamConsumerOptions,
  module: ResolvedOptions,
): ResolvedConsumerOptions {
  const problems = STREAM_CONSUMER_OPTIONS.problems(given);
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  const own = asGiven(defined(given));
  // They follow from other times.
  const { reclaimInterval, crashedAfter, ...inherited } = asGiven(module);
  const sameTimes = own.idleTimeout === undefined && own.blockTimeout === undefined;
  return {
    streams: given.streams ?? [given.stream!],
    createGroup: given.createGroup ?? true,
    timeout: given.timeout,
    concurrency: given.concurrency,
    settings: resolveOptions({
      ...(inherited as StreamsOptions),
      ...(own.idleTimeout === undefined && { reclaimInterval }),
      ...(sameTimes && { crashedAfter }),
      ...own,
      backoff: { ...module.backoff, ...defined(own.backoff ?? {}) },
    }),
  };
}

/** Of others' options, those that a transport has, too. */
const asGiven = (options: object): Partial<StreamsOptions> =>
  Object.fromEntries(
    Object.entries(options).filter(([name]) => STREAMS_OPTIONS.names.includes(name)),
  );

function streamsNamed({ stream, streams }: Readonly<Record<string, unknown>>): Problems {
  if ((stream === undefined) === (streams === undefined)) {
    return ['stream or streams must be given, and not both'];
  }
  const twice = Array.isArray(streams) && new Set(streams).size < streams.length;
  return twice ? ['streams must not name one twice'] : [];
}
