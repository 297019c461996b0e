import type { Codec } from '../core/codecs/codec.js';
import { jsonCodec } from '../core/codecs/json.codec.js';
import type { DeadLetterQueue } from '../ports/dead-letters.js';
import type { DriverFactory } from '../ports/driver.js';
import { isEntryId } from '../core/entry-id.js';
import { backoff } from './handler-options.js';
import type { Middleware } from '../core/middleware.js';
import type { Inbox } from '../ports/inbox.js';
import { lag } from './lag-options.js';
import {
  anyText,
  checked,
  either,
  flag,
  func,
  list,
  oneOf,
  part,
  text,
  whole,
} from '../core/option-schema/kinds.js';
import { declareOptions, type Completed, type Given } from '../core/option-schema/shape.js';
import { retention } from './retention-options.js';
import { route } from './routes.js';
import type { StateStore } from '../ports/state-store.js';

/** A day, in milliseconds. A blocked read needs no more, and timers of Node have a limit. */
const LONGEST_WAIT = 86_400_000;

/** The name of transports, clients and modules without the option `name`. */
export const DEFAULT_NAME = 'default';

export const DEFAULT_GROUP = 'nest-workers';

/**
 * Declares each option of transports, clients and modules in one place: type, default, check,
 * comment.
 */
export const STREAMS_OPTIONS = declareOptions('transports, clients and modules', {
  /** Where messages come from and go to, for example `memory()`. */
  source: part<DriverFactory>(
    'open',
    'a driver, for example memory() or redis({ url })',
  ).required(),
  /**
   * Name of this set of connections. Needed where an application has several. @default 'default'
   */
  name: text().default(DEFAULT_NAME),
  /** Prefix of every key. @default '' */
  keyPrefix: anyText().default(''),
  /**
   * Consumer group. Each group gets every message. The processes of a group share the messages.
   * @default 'nest-workers', with a warning: services that share a group take each other's messages
   */
  group: text().default(DEFAULT_GROUP),
  /** Name of this process in its groups. @default POD_NAME, else POD_IP, else the host name, with pid and a random suffix */
  consumer: text(),
  /**
   * Name of this application. A warning tells of two applications that read in one group.
   * @default the name in the package.json nearest to the main module, where there is one
   */
  application: text(),
  /**
   * Where a new group begins. `'0'`: all messages; `'$'`: only new ones; an id: those behind it.
   * @default '0'
   */
  startId: checked<string>(
    "'0', '$' or an id such as 1700000000000-0",
    (value) => value === '$' || isEntryId(value),
  ).default('0'),
  /** Longest wait of one blocking read, in milliseconds. A day at most. @default 5000 */
  blockTimeout: whole(1, LONGEST_WAIT).default(5000),
  /**
   * Another consumer takes over an entry that was not kept fresh for this time, in milliseconds.
   * @default 30000
   */
  idleTimeout: whole(1).default(30_000),
  /**
   * How often consumers look for abandoned entries, in milliseconds. @default half of idleTimeout,
   * 5000 at most
   */
  reclaimInterval: whole(1),
  /**
   * A consumer of the group that holds entries and was silent for this time is reported as crashed,
   * in milliseconds.
   * @default three times idleTimeout, or blockTimeout where that is longer
   */
  crashedAfter: whole(1),
  /** Runs in all before a message becomes a dead letter. @default 5 */
  maxDeliveries: whole(1).default(5),
  /**
   * Longest time of a whole shutdown, in milliseconds. It waits for running handlers until 3 s
   * before the end. Where it is shorter than 30 s, until a tenth of it before the end. 0: it waits
   * for none. @default 30000
   */
  gracePeriod: whole(0).default(30_000),
  /** Handlers that run at a time in this process. @default 100 */
  concurrency: whole(1).default(100),
  /**
   * How many overrunning methods give their slots to other messages. A method overruns when it goes
   * on after its timeout, or after its stream has ended. Further ones keep their slots. 0: all keep
   * them.
   * @default the concurrency; 0 where that is 1, and for handlers with `concurrency: 1`
   */
  maxOverrun: whole(0),
  /** Most entries that one read asks for. @default 500 */
  batchSize: whole(1).default(500),
  /** Reading pauses while this many entries of a consumer wait for a retry. @default 1000 */
  maxParked: whole(1).default(1000),
  /** How long a running message is kept from other consumers, in milliseconds. @default 3600000 */
  maxHold: whole(1).default(3_600_000),
  /** Wait between runs. @default exponential, 1000 ms up to 60000, jitter 0.2 */
  backoff: backoff().default({}),
  /** Rules from event types to streams. @default each event type is its own stream */
  routes: list(route, 'a list of { events, stream }').default([]),
  /** A dead letter queue in place of the source's own. @default the source's own */
  deadLetter: part<DeadLetterQueue>(
    'put',
    'a dead letter queue with put, list, get, redrive and purge',
  ),
  /**
   * A state store in place of the driver's own, for the marks of the handler option `dedupe`.
   * @default the driver's own
   */
  state: part<StateStore>(
    'setIfAbsent',
    'a state store with get, set, setIfAbsent, delete and exists',
  ),
  /**
   * An inbox in place of the driver's own, for the handler option `inbox`. @default the driver's
   * own
   */
  inbox: part<Inbox>('run', 'an inbox with run(key, ttl, work)'),
  /** Largest encoded payload, in bytes. @default 1048576 */
  maxPayloadBytes: whole(1).default(1_048_576),
  /**
   * How long an `idempotencyKey` is remembered after its first publication, in milliseconds.
   * `'native'`: by the technology's own deduplication, where it has one, and for as long as that
   * remembers. On Redis 8.6.2 or later `XADD … IDMP`, 100 s unless configured there.
   * @default 3600000
   */
  idempotencyWindow: either(
    "'native' or a whole number of at least 1",
    oneOf('native'),
    whole(1),
  ).default(3_600_000),
  /**
   * How long the state of a workflow is kept after its last step, in milliseconds.
   * @default 604800000, 7 days
   */
  workflowTtl: whole(1).default(604_800_000),
  /**
   * Whether a plain object `{ next, payload?, delay? }` that a `@StreamHandler` method returns is
   * an instruction, like the result of `next()`. @default false
   */
  plainInstructions: flag().default(false),
  /** Longest wait for the answer to a request, and for each further one, in milliseconds. @default 30000 */
  requestTimeout: whole(1).default(30_000),
  /** Shape of entries. @default jsonCodec */
  codec: part<Codec>('decode', 'a codec with name, encode, eventType and decode').default(
    jsonCodec,
  ),
  /**
   * What becomes of event types that no handler takes. @default acknowledged where the stream was
   * named or routed, dead-lettered where the event type names the stream
   */
  unmatched: oneOf('ack', 'dead-letter', 'leave'),
  /**
   * How long streams that this process consumes keep their entries: one policy for all, or a list
   * of `{ streams, policy }`. The first that matches counts. @default 'keep'
   */
  retention: retention().default('keep'),
  /** How often streams with new settlements are trimmed, in milliseconds. @default 1000 */
  retentionInterval: whole(1, LONGEST_WAIT).default(1000),
  /** Thresholds of lag that raise an alarm, and how often lag is read. @default no thresholds */
  lag: lag.default({}),
  /**
   * Whether no later run can succeed after this error: the message becomes a dead letter at once.
   * @default none
   */
  isUnrecoverable: func<(error: unknown) => boolean>(
    'a function from an error to true or false',
  ).default(() => false),
  /** Behaviours around each handler, outermost first. @default none */
  middleware: list(
    func<Middleware>('a function'),
    'a list of functions (delivery, next) => settlement',
  ).default([]),
});

/** Options of a transport, client or module that do not depend on the technology. Times in milliseconds. */
export interface StreamsOptions extends Given<typeof STREAMS_OPTIONS> {}

/** What becomes of an event type that no handler of the stream and group takes. */
export type UnmatchedPolicy = NonNullable<StreamsOptions['unmatched']>;

/** {@link StreamsOptions} with all defaults filled in. Frozen. */
export interface ResolvedOptions extends Readonly<Completed<typeof STREAMS_OPTIONS>> {
  readonly consumer: string;
  readonly reclaimInterval: number;
  readonly crashedAfter: number;
  /** True where the option `group` was not given. */
  readonly defaultGroup: boolean;
}
