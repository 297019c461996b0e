import type { BackoffPolicy } from '../core/backoff.js';
import type { DedupeKey, OncePolicy } from '../core/completion.js';
import type { BatchPolicy } from '../core/handler-policy.js';
import type { Message } from '../core/message.js';
import {
  checked,
  either,
  flag,
  func,
  list,
  nested,
  number,
  oneOf,
  text,
  whole,
} from '../core/option-schema/kinds.js';
import type { Option, Problems } from '../core/option-schema/option.js';
import { declareOptions, type Given } from '../core/option-schema/shape.js';
import { deadLetter } from './dead-letter-strategy.js';
import { isOrderBy, orderKey, type OrderBy } from './order-by.js';

export const BACKOFF_OPTIONS = declareOptions('backoff', {
  /** `'exponential'` doubles the wait after each run, `'fixed'` does not. @default 'exponential' */
  type: oneOf('fixed', 'exponential').default('exponential'),
  /** Wait after the first failed run, in milliseconds. @default 1000 */
  delay: number(0).duration().default(1000),
  /** Longest wait for both types, in milliseconds. @default 60000 */
  maxDelay: number(0).duration().default(60_000),
  /** Share of the wait that is random, 0 to 1: with 0.2 a wait of 1000 is 800 to 1000. @default 0.2 */
  jitter: number(0, 1).default(0.2),
});

/** How long a failed run waits before the next one. */
export interface BackoffOptions extends Given<typeof BACKOFF_OPTIONS> {}

/** The option `backoff`. */
export const backoff = (): Option<BackoffOptions, 'optional', BackoffPolicy> =>
  nested(BACKOFF_OPTIONS, (value) =>
    typeof value === 'number' ? `write backoff: { delay: ${value} }` : undefined,
  );

export const DEDUPE_OPTIONS = declareOptions('dedupe and inbox', {
  /**
   * What makes two messages the same: the id of the message, its idempotency key, or what a function
   * of the message returns. @default 'message'
   */
  key: either(
    "'message', 'idempotencyKey' or a function of the message",
    oneOf('message', 'idempotencyKey'),
    func<(message: Message) => string | undefined>('a function of the message'),
  ).default('message') as Option<DedupeKey, 'defaulted'>,
  /** How long a handled message is remembered, in milliseconds. @default 3600000 */
  ttl: whole(1).default(3_600_000),
  /**
   * The name under which handled messages are remembered, beside stream and group. No other handler
   * of the stream and group may use it. @default the event pattern of the handler that matched
   */
  name: text(),
});

/**
 * How a handler recognises messages that it has handled before, and for how long.
 *
 * @typeParam P the payload
 */
export interface DedupeOptions<P = unknown> extends ForPayload<Given<typeof DEDUPE_OPTIONS>, P> {}

type OnceGiven = boolean | 'message' | 'idempotencyKey' | DedupeOptions;

/** Declared options whose functions of a message get messages with the payload `P`. */
type ForPayload<Declared, P> = {
  readonly [K in keyof Declared]: K extends 'orderBy'
    ? OrderBy<P> | undefined
    : ValueForPayload<Declared[K], P>;
};

type ValueForPayload<Value, P> = Value extends (message: Message) => infer Result
  ? (message: Message<P>) => Result
  : Value extends DedupeOptions
    ? DedupeOptions<P>
    : Value;

const dedupe = (): Option<OnceGiven, 'optional', OncePolicy | undefined> =>
  either(
    "true, 'message', 'idempotencyKey' or { key, ttl, name }",
    flag(),
    oneOf('message', 'idempotencyKey'),
    nested(DEDUPE_OPTIONS),
  ).decidedBy(oncePolicy);

/** The policy that follows from a handler's `dedupe` or `inbox`; undefined where it is off. */
function oncePolicy(given: OnceGiven): OncePolicy | undefined {
  if (given === false) return undefined;
  const options = given === true ? {} : typeof given === 'string' ? { key: given } : given;
  return Object.freeze(DEDUPE_OPTIONS.complete(options));
}

/** Largest batch, in messages. */
const LARGEST_BATCH = 10_000;

/**
 * How many messages a file of configuration lets run at a time: those of one batch where a handler
 * takes batches, else runs side by side. 0: one at a time.
 */
export const oneOrMore = [
  'batch_size',
  whole(0, LARGEST_BATCH),
  (size: number): number => Math.max(size, 1),
] as const;

export const BATCH_OPTIONS = declareOptions('batch', {
  /** Most messages of a batch, 10000 at most. @default 100, or as the transport's `batch` says */
  size: whole(1, LARGEST_BATCH)
    .default(100)
    .alias(...oneOrMore),
  /**
   * Longest time that the first message of a batch waits for more, in milliseconds.
   * @default 1000, or as the transport's `batch` says
   */
  maxWait: whole(0).duration().default(1000),
});

/** How messages are collected for a handler that takes many at a time. */
export interface BatchOptions extends Given<typeof BATCH_OPTIONS> {}

/** The option `batch`. */
export const batch = (): Option<BatchOptions, 'optional', BatchPolicy> =>
  nested(BATCH_OPTIONS, (value) =>
    typeof value === 'number' ? `write batch: { size: ${value} }` : undefined,
  );

export const HANDLER_OPTIONS = declareOptions(
  'a handler',
  {
    /**
     * Streams to read, instead of those that routing gives for the events. @default by routing
     */
    streams: list(text(), 'a list of names of streams that is not empty', 1),
    /** Consumer group. @default the transport's */
    group: text().inherited(),
    /**
     * Service of a load balancer: the handler reads the streams of the service that this process
     * owns.
     */
    balanced: text(),
    /**
     * Runs of this handler at a time in this process, on each of its streams. Each stream is then
     * read by a reader of its own. With `batch`, batches at a time. @default the limit of the
     * transport alone; 1 with `batch`
     */
    concurrency: whole(1),
    /** Runs in all before the message becomes a dead letter. @default the transport's */
    maxDeliveries: whole(1).inherited(),
    /** Wait between runs. What is left out comes from the transport. @default the transport's */
    backoff: backoff().inherited(),
    /**
     * What becomes of a message that is given up: docs/dead-letters.md. `'queue'`, `'drop'`, `'hold'`,
     * `{ forward: stream }`, or a function `(record, fields)` that returns one of these for each
     * message. @default the transport's
     */
    deadLetter: deadLetter().inherited(),
    /**
     * Longest time of a run, in milliseconds. A run that takes longer has failed, and its signal
     * aborts. Guards, interceptors, pipes and the option `middleware` are part of the run.
     * @default none
     */
    timeout: whole(1),
    /**
     * Whether the next run of a message may start in another process while a run that has timed out
     * still goes on here: docs/guarantees.md#methods-that-overrun. False, and wherever `orderBy`,
     * `inbox` or `concurrency: 1` is set: the message waits until that run, or its process, has
     * ended. @default true
     */
    overlap: flag(),
    /**
     * Messages with the same key run one after the other, in the order of the stream:
     * docs/ordering.md. A path into the payload, such as `'customer.id'`, or a function of the
     * message.
     *
     * Messages with different keys run side by side. One process at a time reads the stream for the
     * group; another one takes over after `idleTimeout`. For events only. @default no order
     */
    orderBy: checked<OrderBy>(
      "a path into the payload, such as 'customer.id', or a function of the message",
      isOrderBy,
    ).decidedBy(orderKey),
    /**
     * Longest time for which a running message is kept from other consumers, in milliseconds.
     * @default the transport's
     */
    maxHold: whole(1).inherited(),
    /**
     * Whether the handler runs a message: docs/routing.md#filter-by-content. `false` acknowledges the
     * message without a run, with the outcome `filtered`. Where the function throws, or returns
     * another value, a promise for example, the run has failed. For events only. @default runs all
     */
    filter: func<(message: Message) => boolean>('a function of the message'),
    /**
     * Acknowledges messages whose key was completed before, without a run: docs/idempotency.md.
     * `true` is `'message'`. @default false
     */
    dedupe: dedupe(),
    /**
     * Stores the handler's writes together with the note that the message was handled. Takes the same
     * values as `dedupe`: docs/idempotency.md#handlers-with-an-inbox. @default false
     */
    inbox: dedupe(),
    /**
     * Whether a plain object `{ next, payload?, delay? }` that the method returns is an
     * instruction, like the result of `next()`. @default the transport's
     */
    plainInstructions: flag().inherited(),
    /** Gives the handler many messages at a time: docs/batches.md. @default one at a time */
    batch: batch(),
  },
  exclusive,
);

/** Refuses options that exclude each other. */
function exclusive(given: Readonly<Record<string, unknown>>): Problems {
  const { dedupe: once, inbox, batch, balanced, orderBy } = given;
  const problems: string[] = [];
  if (once && inbox) {
    problems.push('dedupe or inbox, not both: an inbox knows duplicates, too');
  }
  if (batch && inbox) {
    problems.push('batch and inbox do not go together: a transaction is of one message');
  }
  if (balanced !== undefined && orderBy !== undefined) {
    problems.push('orderBy does not go together with streams that are shared out');
  }
  if (batch && orderBy !== undefined) {
    problems.push('batch and orderBy do not go together: a batch runs messages of one key at once');
  }
  return problems;
}

/**
 * Options of one handler. Others come from the transport.
 *
 * @typeParam P the payload of its messages, for the functions of `filter`, `dedupe`, `inbox` and `orderBy`
 */
export interface HandlerOptions<P = unknown> extends ForPayload<Given<typeof HANDLER_OPTIONS>, P> {}
