import type { BackoffOptions, UnmatchedPolicy } from '../core/handler-options.js';
import type { Middleware } from '../core/handler.js';
import type { Codec } from '../core/codec.js';
import type { DeadLetterQueue } from '../core/dead-letters.js';
import type { DriverFactory } from '../core/driver.js';
import type { Inbox } from '../core/inbox.js';
import type { IdempotencyWindow } from '../core/message.js';
import type { RetentionPolicy, RetentionRule } from '../core/retention.js';
import type { LagOptions } from '../core/lag.js';
import type { Route } from '../core/routing.js';
import type { StateStore } from '../core/state-store.js';

/** Options of a transport, client or module that do not depend on the technology. Times in ms. */
export interface StreamsOptions {
  /** Where messages come from and go to, for example `memory()`. */
  readonly source: DriverFactory;
  /** Name of this set of connections, where an application has several. @default 'default' */
  readonly name?: string;
  /** Put before every key. @default '' */
  readonly keyPrefix?: string;
  /**
   * Consumer group. Each group gets every message; processes of one group share them.
   * @default 'nest-workers', with a warning: services that share it eat each other's events
   */
  readonly group?: string;
  /** Name of this process in its groups. @default POD_NAME, else POD_IP, else the host name, with pid and a random suffix */
  readonly consumer?: string;
  /** Where a new group begins: `'0'` all, `'$'` only new messages, or an id. @default '0' */
  readonly startId?: string;
  /** Longest wait of one blocking read, ms. A day at most. @default 5000 */
  readonly blockTimeout?: number;
  /** An entry not kept fresh for so long, ms, is taken over by another consumer. @default 30000 */
  readonly idleTimeout?: number;
  /** How often abandoned entries are looked for, ms. @default half of idleTimeout, 5000 at most */
  readonly reclaimInterval?: number;
  /**
   * A consumer of the group that holds entries and was silent for so long, ms, is reported as crashed.
   * @default three times idleTimeout, or blockTimeout where that is longer
   */
  readonly crashedAfter?: number;
  /** Runs in all before the dead letter queue. @default 5 */
  readonly maxDeliveries?: number;
  /** How long a shutdown waits for running handlers, ms. 0: not at all. @default 30000 */
  readonly gracePeriod?: number;
  /** Handlers that run at a time in this process. @default 100 */
  readonly concurrency?: number;
  /** Most entries that one read asks for. @default 500 */
  readonly batchSize?: number;
  /** Reading pauses while so many entries of a consumer wait for a retry. @default 1000 */
  readonly maxParked?: number;
  /** After so long, ms, an entry is no longer kept from other consumers. @default 3600000 */
  readonly maxHold?: number;
  /** Wait between runs. @default exponential, 1000 ms up to 60000, jitter 0.2 */
  readonly backoff?: BackoffOptions;
  /** From event type to stream. @default each event type is its own stream */
  readonly routes?: readonly Route[];
  /** Another dead letter queue than the source's own. @default the source's own */
  readonly deadLetter?: DeadLetterQueue;
  /** Another state store than the driver's own, for the marks of the handler option `dedupe`. @default the driver's own */
  readonly state?: StateStore;
  /** Another inbox than the driver's own, for the handler option `inbox`. @default the driver's own */
  readonly inbox?: Inbox;
  /** Largest encoded payload, in bytes. @default 1048576 */
  readonly maxPayloadBytes?: number;
  /**
   * How long a key of `idempotencyKey` is remembered, ms, from its first publication on. `'native'`: by
   * the technology itself, where it can, and for as long as that does; on Redis 8.6.2 or later by
   * `XADD … IDMP`, 100 s unless configured there. @default 3600000
   */
  readonly idempotencyWindow?: IdempotencyWindow;
  /** How long what is known of a workflow is kept after its last step, ms. @default 604800000, 7 days */
  readonly workflowTtl?: number;
  /** Longest wait for the answer to a request, and for each further one, ms. @default 30000 */
  readonly requestTimeout?: number;
  /** Shape of entries. @default jsonCodec */
  readonly codec?: Codec;
  /**
   * What becomes of event types that no handler takes. @default acknowledged where the stream was
   * named or routed, dead-lettered where it comes from the event type
   */
  readonly unmatched?: UnmatchedPolicy;
  /**
   * How long the streams that are consumed here keep their entries: one policy for all of them, or a
   * list of `{ streams, policy }`, of which the first that matches counts. @default 'keep'
   */
  readonly retention?: RetentionPolicy | readonly RetentionRule[];
  /** How often streams are trimmed in which something happens, ms. @default 1000 */
  readonly retentionInterval?: number;
  /** When groups that fall behind raise an alarm, and how often that is looked at. @default no thresholds */
  readonly lag?: LagOptions;
  /**
   * Whether a plain object `{ next, payload?, delay? }` that a `@StreamHandler` method returns is an
   * instruction, as what `next()` makes. @default false
   */
  readonly plainInstructions?: boolean;
  /** Errors that no later run can mend: dead-lettered at once. @default none */
  readonly isUnrecoverable?: (error: unknown) => boolean;
  /** Behaviours around each handler, outermost first. @default none */
  readonly middleware?: readonly Middleware[];
}

/** The names in {@link StreamsOptions}. */
export const STREAMS_OPTION_KEYS: Readonly<Record<keyof StreamsOptions, true>> = {
  source: true,
  name: true,
  keyPrefix: true,
  group: true,
  consumer: true,
  startId: true,
  blockTimeout: true,
  idleTimeout: true,
  reclaimInterval: true,
  crashedAfter: true,
  maxDeliveries: true,
  gracePeriod: true,
  concurrency: true,
  batchSize: true,
  maxParked: true,
  maxHold: true,
  backoff: true,
  routes: true,
  deadLetter: true,
  state: true,
  inbox: true,
  maxPayloadBytes: true,
  idempotencyWindow: true,
  workflowTtl: true,
  requestTimeout: true,
  codec: true,
  unmatched: true,
  plainInstructions: true,
  retention: true,
  retentionInterval: true,
  lag: true,
  isUnrecoverable: true,
  middleware: true,
};

/** {@link StreamsOptions} with everything decided. Frozen. */
export type ResolvedOptions = Readonly<
  Required<
    Omit<
      StreamsOptions,
      'deadLetter' | 'state' | 'inbox' | 'unmatched' | 'isUnrecoverable' | 'backoff' | 'lag'
    >
  >
> & {
  readonly backoff: Required<BackoffOptions>;
  readonly lag: Required<LagOptions>;
  readonly deadLetter: DeadLetterQueue | undefined;
  readonly state: StateStore | undefined;
  readonly inbox: Inbox | undefined;
  readonly unmatched: UnmatchedPolicy | undefined;
  readonly isUnrecoverable: (error: unknown) => boolean;
  /** True where the group was not named. */
  readonly defaultGroup: boolean;
};
