import type { Clock } from '../core/clock.js';
import type { BoundHandler, Committer, Delivery, Handler } from '../core/delivery.js';
import type { Inbox } from '../ports/inbox.js';
import type { Instrumentation } from '../core/instrumentation.js';
import type { Middleware } from '../core/middleware.js';
import { release, type Ack } from '../core/settlement.js';
import type { Subscription } from '../ports/subscription.js';
import { aroundHandler } from './middleware/around-handler.js';
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
import { instrument } from './middleware/instrument.middleware.js';
import { limitDeliveries } from './middleware/limit-deliveries.middleware.js';
import { match, type MatchOptions } from './middleware/match.middleware.js';
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
  /** Only where runs are instrumented. */
  readonly instrumentation: Instrumentation | undefined;
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

/**
 * Where a stage stands in a chain of stages. What the {@link PipelineOptions} of the same name lack is
 * undefined.
 */
interface Chained extends Readonly<Record<'shared' | 'recorder' | 'instrumentation', unknown>> {
  /** The read has counted the run. */
  readonly counted: boolean;
}

/** One stage of the order. */
interface Stage {
  /** As the start line of a transport and docs/architecture.md name it. */
  readonly name: string;
  /** Undefined, or none: the port that the stage needs is missing, and no handler needs it. */
  readonly make?: (options: PipelineOptions) => Middleware | readonly Middleware[] | undefined;
  /** In place of `make`. What follows may differ: `next` for a message without metadata. */
  readonly compose?: (
    options: PipelineOptions,
  ) => (next: Handler, withMetadata: Handler) => Handler;
  /** Only messages with metadata pass it. The stage before it has `compose`. */
  readonly readsMetadata?: boolean;
  /**
   * Whether deliveries of a handler pass the stage. Called once per handler, not per message.
   * @default all pass it
   */
  readonly where?: (handler: BoundHandler, chained: Chained) => boolean;
}

const uncounted = (_: BoundHandler, { counted }: Chained): boolean => !counted;

/**
 * THE order in which a delivery passes, once `match` has found its handler. The handler's method
 * stands at the end. `retry-policy.ts` decides outside of this what becomes of errors, and of
 * retries when no run is left. A stage that only passes on is no async function: each would cost
 * every message a promise and three turns of the queue.
 */
const ORDER: readonly Stage[] = [
  {
    name: 'dedupe',
    make: (options) =>
      options.claims &&
      dedupe(options.claims, options, options.isHalted, options.chaining.duplicateStep),
    where: (handler) => handler.dedupe !== undefined,
  },
  { name: 'limitDeliveries', make: () => limitDeliveries(), where: uncounted },
  {
    name: 'gate',
    make: ({ gates, isHalted, shared, clock }) => gate(gates, isHalted, clock, shared),
    where: ({ batch, concurrency }, { shared }) => !batch && (concurrency ?? shared) !== undefined,
  },
  {
    name: 'expire',
    make: ({ replies, clock }) => expire(replies, clock),
    where: ({ answers }) => answers,
  },
  { name: 'charge', make: ({ subscription }) => charge(subscription), where: uncounted },
  { name: 'decode', compose: ({ codec }) => decode(codec) },
  {
    name: 'recognise',
    make: ({ chaining }) => chaining.recognise,
    where: ({ chains }) => chains,
    readsMetadata: true,
  },
  {
    name: 'filter',
    make: ({ chaining }) => filter(chaining.filteredStep),
    where: (handler) => handler.filter !== undefined,
  },
  {
    name: 'instrument',
    make: ({ instrumentation }) => instrumentation && instrument(instrumentation),
    // A batch is one run, see `Collector`.
    where: ({ batch }, { instrumentation }) => instrumentation !== undefined && !batch,
  },
  {
    name: 'timeout',
    make: ({ clock }) => timeout(clock),
    // The timeout of a batch counts from the batch's own start.
    where: (handler) => handler.timeout !== undefined && !handler.batch,
  },
  {
    name: 'commit',
    make: ({ recorder }) => recorder && commit(recorder),
    where: (_, { recorder }) => recorder !== undefined,
  },
  { name: 'middleware', make: ({ middleware }) => aroundHandler(middleware) },
  {
    name: 'inbox',
    make: ({ inbox: store, tables, chaining }) =>
      store && inbox(store, tables, chaining.duplicateStep),
    where: (handler) => handler.inbox !== undefined,
  },
];

/** The stages that deliveries of these handlers pass, in their order, from `match` to `handler`. */
export function stagesOf(
  handlers: readonly BoundHandler[],
  {
    middleware,
    ...parts
  }: Pick<PipelineOptions, 'middleware'> & Pick<Chained, 'recorder' | 'instrumentation'>,
): string[] {
  // Among handlers with batches the others are limited together.
  const shared = handlers.some(({ batch }) => batch) || undefined;
  const passes = ({ name, where }: Stage): boolean =>
    name === 'middleware'
      ? middleware.length > 0
      : handlers.some((handler) => where?.(handler, { counted: false, shared, ...parts }) ?? true);
  return ['match', ...ORDER.filter(passes).map(({ name }) => name), 'handler'];
}

/** A stage with what it needs. */
interface MadeStage extends Pick<Stage, 'where' | 'readsMetadata'> {
  readonly middleware?: Middleware | undefined;
  readonly compose?: ((next: Handler, withMetadata: Handler) => Handler) | undefined;
}

function made(options: PipelineOptions): MadeStage[] {
  return ORDER.flatMap(({ make, compose, ...stage }): MadeStage[] => {
    if (compose) return [{ ...stage, compose: compose(options) }];
    const middleware = make?.(options) ?? [];
    const all = typeof middleware === 'function' ? [middleware] : middleware;
    return all.map((one) => ({ ...stage, middleware: one }));
  });
}

/**
 * Runs a delivery: finds its handler, and takes the delivery through the stages that this handler
 * needs.
 */
export function createPipeline(options: PipelineOptions): Handler {
  const order = made(options);
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
    private readonly order: readonly MadeStage[],
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
    const { shared, recorder, instrumentation } = options;
    const at = { counted, shared, recorder, instrumentation };
    let next = lastOf(handler, options);
    let withMetadata = next;
    for (const { where, middleware, compose, readsMetadata } of order.toReversed()) {
      if (where && !where(handler, at)) continue;
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
