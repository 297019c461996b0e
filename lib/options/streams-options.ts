import type { Codec } from '../core/codecs/codec.js';
import { jsonCodec } from '../core/codecs/json.codec.js';
import { backoff, batch, oneOrMore } from './handler-options.js';
import { commits } from './commits-options.js';
import { consumerName } from './consumer-name.js';
import { LONGEST_WAIT, READING } from './reading-options.js';
import { deadLetter } from './dead-letter-strategy.js';
import type { InstrumentationFactory } from '../core/instrumentation.js';
import type { Middleware } from '../core/middleware.js';
import type { Inbox } from '../ports/inbox.js';
import { lag } from './lag-options.js';
import type { Option } from '../core/option-schema/option.js';
import {
  anyText,
  either,
  flag,
  func,
  list,
  nested,
  oneOf,
  part,
  text,
  whole,
} from '../core/option-schema/kinds.js';
import { declareOptions, type Completed, type Given } from '../core/option-schema/shape.js';
import { checkedByDriver, startIdProblems } from './message-ids.js';
import { retention } from './retention-options.js';
import { route } from './routes.js';
import { namedDrivers, SLOTS_OPTIONS, type Slots } from './slots-options.js';

/** The name of transports, clients and modules without the option `name`. */
export const DEFAULT_NAME = 'default';

export const DEFAULT_GROUP = 'nest-workers';

/**
 * Declares each option of transports, clients and modules in one place, except for their drivers:
 * type, default, check, comment.
 */
export const SETTINGS_OPTIONS = declareOptions('transports, clients and modules', {
  /**
   * Name of this set of connections, for an application that has several. With `sentinels`, see
   * `masterName`. @default 'default'
   */
  name: text().default(DEFAULT_NAME),
  /** Prefix of every key. @default '' */
  keyPrefix: anyText().default(''),
  /**
   * Consumer group. Each group gets every message. The processes of a group share the messages. Name
   * the group after the service: services that share a group take each other's messages.
   * @default 'nest-workers', with a warning
   */
  group: text().default(DEFAULT_GROUP).alias('consumer_group'),
  /**
   * The stream of every handler that names none itself: docs/routing.md#one-stream-for-all-handlers.
   * Producers do not go by it. @default by routing
   */
  stream: text('the name of a stream').alias('topic'),
  /**
   * Name of this process in its groups. If another live consumer of a group has the name, this one
   * runs as `name~2`, with a warning. @default `POD_NAME`, else `POD_IP`, else the host name; with
   * `-<pid>-<6 hex digits>`
   */
  consumer: consumerName(),
  /**
   * Name of this application. Two applications of different names in one group cause a warning at
   * start-up: docs/rolling-deploys.md#what-is-warned-of.
   * @default the name in the package.json nearest to the main module; none where the main module
   * lies in `node_modules`
   */
  application: text(),
  /**
   * Where a new group begins. `'0'`: all messages; `'$'`: only new ones; an id: those behind it.
   * @default '0'
   */
  startId: checkedByDriver().inFiles({ is: 'text' }).default('0'),
  ...READING,
  /** Runs in all before a message becomes a dead letter. @default 5 */
  maxDeliveries: whole(1)
    .default(5)
    .alias('max_retries', whole(0), (retries: number) => retries + 1),
  /**
   * Longest time of a whole shutdown, in milliseconds. 0: the shutdown waits for no run. Running
   * handlers are awaited until 3 s before the end of this time; where it is shorter than 30 s, until
   * a tenth of it before the end. Closing ends 1 s before the end. @default 30000
   */
  gracePeriod: whole(0).duration().default(30_000),
  /**
   * Handlers that run at a time in this transport, all its streams and groups together. @default 100
   */
  concurrency: whole(1)
    .default(100)
    .alias(...oneOrMore),
  /**
   * How many overrunning methods give their slots to other messages. Further ones keep their slots.
   * 0: all keep them. A method overruns when it goes on after its timeout, or after its stream has
   * ended: docs/guarantees.md#methods-that-overrun. A handler with `concurrency: 1` keeps its slot
   * unless this option is set.
   * @default `concurrency`; 0 where that is 1
   */
  maxOverrun: whole(0),
  /**
   * Wait between runs, see `BackoffOptions`. @default exponential, from 1000 ms to 60000 ms, jitter
   * 0.2
   */
  backoff: backoff().default({}),
  /**
   * What handlers that take batches leave out of their option `batch`, see `BatchOptions`: most
   * messages of a batch, and how long the first one waits. Makes no handler take batches.
   * @default 100 messages, 1000 ms
   */
  batch: batch().default({}),
  /**
   * How consumers record how far they have come: docs/state.md. Needs a state store.
   * @default no records, unless the message source does not remember positions
   */
  commits,
  /**
   * What becomes of a message that is given up, see the option of handlers.
   * @default `'queue'` where there is a dead letter queue, else `'drop'`, with a warning
   */
  deadLetter: deadLetter(),
  /**
   * Rules from event types to streams, a list of `{ events, stream }`: docs/routing.md.
   * @default each event type is its own stream
   */
  routes: list(route, 'a list of { events, stream }').default([]),
  /**
   * An `Inbox` in place of the driver's own, for the handler option `inbox`. @default the driver's
   * own
   */
  inbox: part<Inbox>('run', 'an inbox with run(key, ttl, work)'),
  /**
   * Largest field of an encoded message, in bytes. Exactly as many pass.
   * @default 1048576, or what the message source takes for a whole message where that is less
   */
  maxPayloadBytes: whole(1).default(1_048_576),
  /**
   * How long an `idempotencyKey` is remembered after its first publication, in milliseconds. A resend
   * does not prolong it. More: docs/guarantees.md#publishing-once.
   *
   * `'native'`: by the technology's own deduplication, where it has one, and for as long as that
   * remembers. On Redis 8.6.2 or later by `XADD … IDMP`, for 100 s unless configured there.
   * @default 3600000, or `'native'` where the message source has no other window
   */
  idempotencyWindow: either(
    "'native' or a whole number of at least 1",
    oneOf('native'),
    whole(1).duration(),
  ).default(3_600_000),
  /**
   * How long the records of a workflow are kept after they were last written, in milliseconds, delays
   * not counted: docs/workflows.md#state-and-cancelling.
   * @default 604800000, 7 days
   */
  workflowTtl: whole(1).duration().default(604_800_000),
  /**
   * Whether a plain object `{ next, payload?, delay? }` that a `@StreamHandler` method returns is
   * an instruction, like the result of `next()`: docs/workflows.md#what-a-method-may-return.
   * @default false
   */
  plainInstructions: flag().default(false),
  /**
   * Longest wait of `send()` for an answer, and for each further one of a stream, in milliseconds:
   * docs/requests.md#time-limits. @default 30000
   */
  requestTimeout: whole(1).duration().default(30_000),
  /** Shape of entries: docs/redis-keys.md#entries. @default jsonCodec */
  codec: part<Codec>('decode', 'a codec with name, encode, eventType and decode').default(
    jsonCodec,
  ),
  /**
   * What becomes of event types that no handler takes: docs/routing.md#events-without-a-handler.
   * @default `'ack'` where the stream was named or routed, `'dead-letter'` where the event type is
   * the stream
   */
  unmatched: oneOf('ack', 'dead-letter', 'leave'),
  /**
   * How long streams that this process consumes keep their entries: one policy for all, or a list
   * of `{ streams, policy }`, of which the first that matches counts: docs/retention.md.
   *
   * A policy is `'keep'`, `'deleteWhenSettled'`, `{ maxLength }` or `{ maxAge }`. @default 'keep'
   */
  retention: retention().default('keep'),
  /**
   * Time between two trims of a stream from which entries are deleted, in milliseconds. Each wait is
   * 75 to 100 % of it. A day at most. @default 1000
   */
  retentionInterval: whole(1, LONGEST_WAIT).duration().default(1000),
  /**
   * When groups that fall behind raise an alarm, and how often lag is read: docs/lag.md#alarms.
   * @default no thresholds
   */
  lag: lag.default({}),
  /**
   * Whether no later run can succeed after this error: the message becomes a dead letter at once.
   * @default no error
   */
  isUnrecoverable: func<(error: unknown) => boolean>(
    'a function from an error to true or false',
  ).default(() => false),
  /**
   * Behaviours around each handler, outermost first: docs/writing-a-middleware.md. @default none
   */
  middleware: list(
    func<Middleware>('a function'),
    'a list of functions (delivery, next) => settlement',
  ).default([]),
  /**
   * What watches messages from the producer to the settlement, for example tracing:
   * docs/tracing.md. @default none
   */
  instrumentation: func<InstrumentationFactory>(
    'a function that makes an instrumentation, for example streamsTracing()',
  ),
});

/** The options of transports, clients and modules that name their drivers themselves. */
export const STREAMS_OPTIONS = declareOptions(
  SETTINGS_OPTIONS.of,
  {
    /**
     * What fills the message source, the state store and the dead letter queue, for example
     * `{ messageSource: memory() }`: docs/slots.md. The classes `RedisStreams…` take the options of
     * Redis instead.
     */
    slots: nested(SLOTS_OPTIONS).required() as Option<Slots, 'required'>,
    /**
     * Drivers of other packages, by the names that slots call them by. @default none
     */
    drivers: namedDrivers.default({}),
    ...SETTINGS_OPTIONS.options,
  },
  startIdProblems,
);

/** Options of a transport, client or module that do not depend on the technology. Times in milliseconds. */
export interface StreamsOptions extends Given<typeof STREAMS_OPTIONS> {}

/** What becomes of an event type that no handler of the stream and group takes. */
export type UnmatchedPolicy = NonNullable<StreamsOptions['unmatched']>;

/** All options but those of the drivers, with their defaults filled in. Frozen. */
export interface ResolvedOptions extends Readonly<Completed<typeof SETTINGS_OPTIONS>> {
  readonly consumer: string;
  readonly reclaimInterval: number;
  readonly crashedAfter: number;
  /** True where the option `group` was not given. */
  readonly defaultGroup: boolean;
}
