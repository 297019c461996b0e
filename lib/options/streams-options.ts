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
} from '../core/declaring/kinds.js';
import { declareOptions, type Completed, type Given } from '../core/declaring/shape.js';
import { retention } from './retention-options.js';
import { route } from './routes.js';
import type { StateStore } from '../ports/state-store.js';

/** A day, in milliseconds. A blocked read needs no more, and timers of Node have a limit. */
const LONGEST_WAIT = 86_400_000;

/** The name of transports, clients and modules that were given none. */
export const DEFAULT_NAME = 'default';

export const DEFAULT_GROUP = 'nest-workers';

/** The one place for an option of transports, clients and modules: type, default, check, comment. */
export const STREAMS_OPTIONS = declareOptions('transports, clients and modules', {
  /** Where messages come from and go to, for example `memory()`. */
  source: part<DriverFactory>(
    'open',
    'a driver, for example memory() or redis({ url })',
  ).required(),
  /** Name of this set of connections, where an application has several. @default 'default' */
  name: text().default(DEFAULT_NAME),
  /** Put before every key. @default '' */
  keyPrefix: anyText().default(''),
  /**
   * Consumer group. Each group gets every message; processes of one group share them.
   * @default 'nest-workers', with a warning: services that share it eat each other's events
   */
  group: text().default(DEFAULT_GROUP),
  /** Name of this process in its groups. @default POD_NAME, else POD_IP, else the host name, with pid and a random suffix */
  consumer: text(),
  /**
   * Name of this application: where two of different names read in one group, that is warned of.
   * @default the name in the package.json nearest to the main module, where there is one
   */
  application: text(),
  /** Where a new group begins: `'0'` all, `'$'` only new messages, or an id. @default '0' */
  startId: checked<string>(
    "'0', '$' or an id such as 1700000000000-0",
    (value) => value === '$' || isEntryId(value),
  ).default('0'),
  /** Longest wait of one blocking read, in milliseconds. A day at most. @default 5000 */
  blockTimeout: whole(1, LONGEST_WAIT).default(5000),
  /** An entry not kept fresh for this time, in milliseconds, is taken over by another consumer. @default 30000 */
  idleTimeout: whole(1).default(30_000),
  /** How often abandoned entries are looked for, in milliseconds. @default half of idleTimeout, 5000 at most */
  reclaimInterval: whole(1),
  /**
   * A consumer of the group that holds entries and was silent for this time, in milliseconds, is reported as crashed.
   * @default three times idleTimeout, or blockTimeout where that is longer
   */
  crashedAfter: whole(1),
  /** Runs in all before the dead letter queue. @default 5 */
  maxDeliveries: whole(1).default(5),
  /**
   * How long the whole of a shutdown may take, in milliseconds. Running handlers are awaited until 3 s
   * before its end, or a tenth of it, where it is shorter than 30 s. 0: none is awaited. @default 30000
   */
  gracePeriod: whole(0).default(30_000),
  /** Handlers that run at a time in this process. @default 100 */
  concurrency: whole(1).default(100),
  /**
   * Methods that go on after their timeout, or after their stream has ended, keep their place beyond this
   * number; fewer give it back to other messages. 0: all keep their places.
   * @default the concurrency. Where that is 1, and for handlers with `concurrency: 1`, 0
   */
  maxOverrun: whole(0),
  /** Most entries that one read asks for. @default 500 */
  batchSize: whole(1).default(500),
  /** Reading pauses while so many entries of a consumer wait for a retry. @default 1000 */
  maxParked: whole(1).default(1000),
  /** After this time, in milliseconds, an entry is no longer kept from other consumers. @default 3600000 */
  maxHold: whole(1).default(3_600_000),
  /** Wait between runs. @default exponential, 1000 ms up to 60000, jitter 0.2 */
  backoff: backoff().default({}),
  /** From event type to stream. @default each event type is its own stream */
  routes: list(route, 'a list of { events, stream }').default([]),
  /** Another dead letter queue than the source's own. @default the source's own */
  deadLetter: part<DeadLetterQueue>(
    'put',
    'a dead letter queue with put, list, get, redrive and purge',
  ),
  /** Another state store than the driver's own, for the marks of the handler option `dedupe`. @default the driver's own */
  state: part<StateStore>(
    'setIfAbsent',
    'a state store with get, set, setIfAbsent, delete and exists',
  ),
  /** Another inbox than the driver's own, for the handler option `inbox`. @default the driver's own */
  inbox: part<Inbox>('run', 'an inbox with run(key, ttl, work)'),
  /** Largest encoded payload, in bytes. @default 1048576 */
  maxPayloadBytes: whole(1).default(1_048_576),
  /**
   * How long a key of `idempotencyKey` is remembered, in milliseconds, from its first publication on. `'native'`: by
   * the technology itself, where it can, and for as long as that does; on Redis 8.6.2 or later by
   * `XADD … IDMP`, 100 s unless configured there. @default 3600000
   */
  idempotencyWindow: either(
    "'native' or a whole number of at least 1",
    oneOf('native'),
    whole(1),
  ).default(3_600_000),
  /** How long what is known of a workflow is kept after its last step, in milliseconds. @default 604800000, 7 days */
  workflowTtl: whole(1).default(604_800_000),
  /**
   * Whether a plain object `{ next, payload?, delay? }` that a `@StreamHandler` method returns is an
   * instruction, as what `next()` makes. @default false
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
   * named or routed, dead-lettered where it comes from the event type
   */
  unmatched: oneOf('ack', 'dead-letter', 'leave'),
  /**
   * How long the streams that are consumed here keep their entries: one policy for all of them, or a
   * list of `{ streams, policy }`, of which the first that matches counts. @default 'keep'
   */
  retention: retention().default('keep'),
  /** How often streams are trimmed in which something happens, in milliseconds. @default 1000 */
  retentionInterval: whole(1, LONGEST_WAIT).default(1000),
  /** When groups that fall behind raise an alarm, and how often that is looked at. @default no thresholds */
  lag: lag.default({}),
  /** Errors that no later run can mend: dead-lettered at once. @default none */
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

/** {@link StreamsOptions} with everything decided. Frozen. */
export interface ResolvedOptions extends Readonly<Completed<typeof STREAMS_OPTIONS>> {
  readonly consumer: string;
  readonly reclaimInterval: number;
  readonly crashedAfter: number;
  /** True where the group was not named. */
  readonly defaultGroup: boolean;
}
