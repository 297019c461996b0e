import type { MessageOf } from '../core/event-map.js';
import type { MessageFilter } from '../core/handler-policy.js';
import { backoff, HANDLER_OPTIONS } from './handler-options.js';
import { flag, list, text } from '../core/option-schema/kinds.js';
import type { Problems } from '../core/option-schema/option.js';
import { refuse } from '../core/option-schema/refuse.js';
import { declareOptions, type Given } from '../core/option-schema/shape.js';
import type { IdFormat } from '../ports/id-format.js';
import { consumerName } from './consumer-name.js';
import { streamPosition } from './message-ids.js';
import { defined, resolveSettings } from './resolve-options.js';
import { SETTINGS_OPTIONS, type ResolvedOptions } from './streams-options.js';

const shared = SETTINGS_OPTIONS.options;

export const STREAM_CONSUMER_OPTIONS = declareOptions(
  'a consumer',
  {
    /** The stream to read. @default required, unless `streams` is given */
    stream: text('the name of a stream'),
    /** The streams to read, instead of `stream`. @default none */
    streams: list(text(), 'a list of names of streams that is not empty', 1),
    /**
     * Consumer group. Each group gets every message. The consumers of a group share the messages.
     * @default the module's
     */
    group: text(),
    /**
     * Name of the consumer in the group. Two consumers of one process that read the same stream in
     * the same group need different names. @default the module's
     */
    consumer: consumerName(),
    /**
     * False: `start` and `subscribe` reject where the group is missing. @default true
     */
    createGroup: flag(),
    /**
     * Where a new group begins. `'0'`: all messages; `'$'`: only new ones; an id: those behind it.
     * @default the module's
     */
    startId: shared.startId,
    /**
     * Callbacks that run at a time, beside the module's own limit. @default the limit of the module
     * alone, which its handlers share
     */
    concurrency: shared.concurrency,
    /**
     * How many callbacks that go on after their timeout give their slots to other messages. Further
     * ones keep their slots. Counts where `concurrency` is set, too.
     * @default the module's; where the module has none, the concurrency, and 0 where that is
     * 1
     */
    maxOverrun: shared.maxOverrun,
    /**
     * Longest wait of one blocking read, in milliseconds.
     * @default the module's
     */
    blockTimeout: shared.blockTimeout,
    /**
     * Another consumer takes over an entry that was not kept fresh for this time, in milliseconds.
     * @default the module's
     */
    idleTimeout: shared.idleTimeout,
    /**
     * How often the consumer looks for abandoned entries, in milliseconds.
     * @default the module's
     */
    reclaimInterval: shared.reclaimInterval,
    /**
     * A consumer that holds entries and was silent for this time is reported as crashed, in milliseconds.
     * @default the module's
     */
    crashedAfter: shared.crashedAfter,
    /**
     * Runs in all before a message becomes a dead letter.
     * @default the module's
     */
    maxDeliveries: shared.maxDeliveries,
    /**
     * Wait between runs.
     * @default the module's
     */
    backoff: backoff(),
    /**
     * What becomes of a message that is given up: docs/dead-letters.md.
     * @default the module's
     */
    deadLetter: shared.deadLetter,
    /**
     * Longest time of a run, in milliseconds. A callback that takes longer has failed, and its
     * `signal` aborts.
     * @default none
     */
    timeout: HANDLER_OPTIONS.options.timeout,
    /**
     * How long a running message is kept from other consumers, in milliseconds.
     * @default the module's
     */
    maxHold: shared.maxHold,
    /**
     * How long `close` waits for running callbacks, in milliseconds.
     * @default the module's
     */
    gracePeriod: shared.gracePeriod,
    /**
     * Most entries that one read asks for.
     * @default the module's
     */
    batchSize: shared.batchSize,
    /**
     * Reading pauses while this many entries wait for a retry.
     * @default the module's
     */
    maxParked: shared.maxParked,
    /**
     * Whether the callback gets a message: docs/routing.md#filter-by-content. `false` acknowledges
     * the message without a call, with the outcome `filtered`. Where the function throws, or returns
     * another value, a promise for example, the run has failed. @default all messages
     */
    filter: HANDLER_OPTIONS.options.filter,
    /** What becomes of event types that the callback does not take. @default 'ack' */
    unmatched: shared.unmatched,
    /**
     * Shape of entries.
     * @default the module's
     */
    codec: shared.codec,
    /**
     * Whether no later run can succeed after this error.
     * @default the module's
     */
    isUnrecoverable: shared.isUnrecoverable,
  },
  streamsNamed,
);

type Declared = Given<typeof STREAM_CONSUMER_OPTIONS>;

/**
 * Options of `StreamConsumers.create`. Options that are left out are those of the module. Times in
 * milliseconds.
 *
 * @typeParam Events map from event types to payloads, for the function of `filter`
 */
export type StreamConsumerOptions<Events extends object = Record<string, unknown>> = {
  readonly [K in keyof Declared]: K extends 'filter'
    ? ((message: MessageOf<Events>) => boolean) | undefined
    : Declared[K];
};

/** {@link StreamConsumerOptions} with all defaults filled in. */
export interface ResolvedConsumerOptions {
  readonly streams: readonly string[];
  readonly createGroup: boolean;
  readonly timeout: number | undefined;
  readonly filter: MessageFilter | undefined;
  /** Undefined: only the module limits it. */
  readonly concurrency: number | undefined;
  /** All other options, from the module where this consumer gives none. */
  readonly settings: ResolvedOptions;
}

/** @throws InvalidOptionsError naming every problem */
export function resolveConsumerOptions(
  given: StreamConsumerOptions,
  module: ResolvedOptions,
  ids: IdFormat,
): ResolvedConsumerOptions {
  refuse(
    STREAM_CONSUMER_OPTIONS.problems(given),
    streamPosition(ids).problems(given?.startId, 'startId'),
  );
  const own = asGiven(defined(given));
  // These defaults follow from other times, so they are not inherited where those differ.
  const { reclaimInterval, crashedAfter, ...inherited } = asGiven(module);
  const sameTimes = own.idleTimeout === undefined && own.blockTimeout === undefined;
  return {
    streams: given.streams ?? [given.stream!],
    createGroup: given.createGroup ?? true,
    timeout: given.timeout,
    filter: given.filter,
    concurrency: given.concurrency,
    settings: resolveSettings({
      ...inherited,
      ...(own.idleTimeout === undefined && { reclaimInterval }),
      ...(sameTimes && { crashedAfter }),
      ...own,
      backoff: { ...module.backoff, ...defined(own.backoff ?? {}) },
    }),
  };
}

/** Keeps the options that transports have, too. */
const asGiven = (options: object): Given<typeof SETTINGS_OPTIONS> =>
  Object.fromEntries(
    Object.entries(options).filter(([name]) => SETTINGS_OPTIONS.names.includes(name)),
  );

function streamsNamed({ stream, streams }: Readonly<Record<string, unknown>>): Problems {
  if ((stream === undefined) === (streams === undefined)) {
    return ['stream or streams must be given, and not both'];
  }
  const twice = Array.isArray(streams) && new Set(streams).size < streams.length;
  return twice ? ['streams must not name one twice'] : [];
}
