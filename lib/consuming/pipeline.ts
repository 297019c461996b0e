import type { Clock } from '../core/clock.js';
import type { BoundHandler, Committer, Delivery, Handler } from '../core/delivery.js';
import type { Inbox } from '../ports/inbox.js';
import type { Middleware } from '../core/middleware.js';
import { bounded, textOf } from '../core/errors/text-of.js';
import { isSettlement, release, type Ack, type Settlement } from '../core/settlement.js';
import type { Subscription } from '../ports/source.js';
import { charge } from './middleware/charge.middleware.js';
import type { Claims } from './dedupe/claims.js';
import { commit } from './middleware/commit.middleware.js';
import { decode } from './middleware/decode.middleware.js';
import type { Collectors } from './batching/collectors.js';
import { dedupe } from './middleware/dedupe.middleware.js';
import { expire } from './middleware/expire.middleware.js';
import { filter } from './middleware/filter.middleware.js';
import { gate, type Gates } from './middleware/gate.middleware.js';
import { inbox } from './middleware/inbox.middleware.js';
import { limitDeliveries } from './middleware/limit-deliveries.middleware.js';
import { match, type MatchOptions } from './middleware/match.middleware.js';
import { outlast } from './middleware/outlast.middleware.js';
import { timeout } from './middleware/timeout.middleware.js';
import type { Slots } from './plan/slots.js';

export interface PipelineOptions extends MatchOptions {
  readonly subscription: Subscription;
  readonly clock: Clock;
  readonly gates: Gates;
  /** Only where a handler deduplicates. */
  readonly claims: Claims | undefined;
  /** Only where a handler writes through an inbox. */
  readonly inbox: Inbox | undefined;
  /** Only where the consumer records how far it has come. */
  readonly recorder: Committer | undefined;
  /** Only where a handler takes batches. */
  readonly collectors: Collectors | undefined;
  /** The transport's slots, where the consumer itself does not limit its runs to them. */
  readonly shared: Slots | undefined;
  /** Whether deliveries must not start: the consumer stops, or their stream is paused. */
  readonly isHalted: (delivery: Delivery) => boolean;
  readonly chaining: {
    readonly recognise: Middleware;
    readonly duplicateStep: (delivery: Delivery) => Ack | undefined;
    readonly filteredStep: (delivery: Delivery) => Ack | undefined;
  };
  /** Middleware of the application, around each handler. */
  readonly middleware: readonly Middleware[];
}

/** One stage of the order. */
interface Stage {
  /** Undefined: the port that the stage needs is missing, and no handler needs it. */
  readonly middleware?: Middleware | undefined;
  /** In place of `middleware`. What follows may differ: `next` for a message without metadata. */
  readonly compose?: (next: Handler, withMetadata: Handler) => Handler;
  /** Only messages with metadata pass it. The stage before it has `compose`. */
  readonly readsMetadata?: boolean;
  /**
   * Whether deliveries of a handler pass the stage. `counted`: the read has counted the run. Called
   * once per handler, not per message. @default all pass it
   */
  readonly where?: (handler: BoundHandler, counted: boolean) => boolean;
}

/**
 * THE order in which a delivery passes, once `match` has found its handler. The handler's method
 * stands at the end. `retry-policy.ts` decides outside of this what becomes of errors, and of
 * retries when no run is left. A stage that only passes on is no async function: each would cost
 * every message a promise and three turns of the queue.
 */
function orderOf(options: PipelineOptions): readonly Stage[] {
  const { claims, inbox: store, shared, clock, isHalted, tables, recorder } = options;
  const { recognise, duplicateStep, filteredStep } = options.chaining;
  const uncounted = (_: BoundHandler, counted: boolean): boolean => !counted;
  return [
    {
      middleware: claims && dedupe(claims, options, isHalted, duplicateStep),
      where: (handler) => handler.dedupe !== undefined,
    },
    { middleware: limitDeliveries(), where: uncounted },
    {
      middleware: gate(options.gates, isHalted, shared),
      where: ({ batch, concurrency }) => !batch && (concurrency ?? shared) !== undefined,
    },
    { middleware: expire(options.replies, clock), where: ({ answers }) => answers },
    { middleware: charge(options.subscription), where: uncounted },
    { compose: decode(options.codec) },
    { middleware: recognise, where: ({ chains }) => chains, readsMetadata: true },
    { middleware: filter(filteredStep), where: (handler) => handler.filter !== undefined },
    // The timeout of a batch counts from the batch's own start.
    {
      middleware: timeout(clock),
      where: (handler) => handler.timeout !== undefined && !handler.batch,
    },
    { middleware: recorder && commit(recorder), where: () => recorder !== undefined },
    ...aroundHandler(options.middleware),
    {
      middleware: store && inbox(store, tables, duplicateStep),
      where: (handler) => handler.inbox !== undefined,
    },
  ];
}

function aroundHandler(middleware: readonly Middleware[]): Stage[] {
  if (middleware.length === 0) return [];
  const { outer, inner } = outlast();
  return [outer, ...middleware.map(onlyOnce), inner].map((one) => ({ middleware: one }));
}

/**
 * Runs a delivery: finds its handler, and takes the delivery through the stages that this handler
 * needs.
 */
export function createPipeline(options: PipelineOptions): Handler {
  const order = orderOf(options);
  const counted = new Chains(order, true, options);
  const uncounted = new Chains(order, false, options);
  const obstacleFor = match(options);
  return (delivery) => {
    // A retry was matched before, and its entry has not been fetched again yet.
    const obstacle = delivery.handler ? undefined : obstacleFor(delivery);
    if (obstacle) return Promise.resolve(obstacle);
    const { handler } = delivery;
    const chains = delivery.lease.charged ? counted : uncounted;
    const chain = chains.last === handler ? chains.lastChain : chains.of(handler!);
    return chain(delivery);
  };
}

/** The composed stages of each handler. Composed when its first delivery arrives. */
class Chains {
  private readonly byHandler = new Map<BoundHandler, Handler>();
  /** Most consumers have one handler, or many messages in a row for the same one. */
  last: BoundHandler | undefined;
  /** Of `last`. */
  lastChain!: Handler;

  constructor(
    private readonly order: readonly Stage[],
    private readonly counted: boolean,
    private readonly options: PipelineOptions,
  ) {}

  of(handler: BoundHandler): Handler {
    let chain = this.byHandler.get(handler);
    if (!chain) this.byHandler.set(handler, (chain = this.compose(handler)));
    this.last = handler;
    this.lastChain = chain;
    return chain;
  }

  private compose(handler: BoundHandler): Handler {
    const { order, counted, options } = this;
    let next = lastOf(handler, options);
    let withMetadata = next;
    for (const { where, middleware, compose, readsMetadata } of order.toReversed()) {
      if (where && !where(handler, counted)) continue;
      const follows = withMetadata;
      if (middleware) withMetadata = (delivery) => middleware(delivery, follows);
      if (compose) withMetadata = compose(next, withMetadata);
      if (!readsMetadata) next = withMetadata;
    }
    return next;
  }
}

function lastOf(handler: BoundHandler, { collectors, isHalted }: PipelineOptions): Handler {
  if (!handler.batch || !collectors) return handler.invoke;
  // The delivery may have been halted while the run was counted: a delivery collected now would
  // start later.
  return (delivery) =>
    isHalted(delivery) ? Promise.resolve(release) : collectors.invoke(delivery);
}

/** A middleware that calls `next` twice would run a handler twice for one delivery. */
function onlyOnce(middleware: Middleware): Middleware {
  return (delivery, next) => {
    let called = false;
    // A middleware may return a promise or a plain value.
    const answer: unknown = middleware(delivery, (same) => {
      if (called) throw new Error('A middleware called next() twice for one delivery');
      called = true;
      return next(same);
    });
    return Promise.resolve(answer).then(checked);
  };
}

/** A settlement that no source could carry out would never be settled. */
function checked(answer: unknown): Settlement {
  if (isSettlement(answer)) return answer;
  throw new TypeError(
    `A middleware answered ${bounded(textOf(answer), 256)}. Answer the settlement that next() resolves with.`,
  );
}
