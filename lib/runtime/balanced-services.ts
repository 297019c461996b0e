import { Balancer } from '../load-balancing/balancer.js';
import type { OwnedStream } from '../load-balancing/owned-stream.js';
import { whileOwned } from '../load-balancing/while-owned.js';
import { Consumer } from '../consuming/consumer.js';
import type { ConsumerParts } from '../consuming/consumer-options.js';
import { HandlerTable } from '../consuming/plan/handler-table.js';
import type { ConsumerPlan } from '../consuming/plan/plan.js';
import { withPatience } from '../core/clock.js';
import { announce, type Presence } from '../consuming/live-consumers/presence.js';
import { endFor, promisesLinked } from '../consuming/running/close-within-run.js';
import { called, callingRun } from '../consuming/running/run-mark.js';
import { keepsOrder } from '../consuming/plan/source-features.js';
import { runsWithin } from '../consuming/plan/runs-within.js';
import type { Driver } from '../ports/driver.js';
import { graceOf } from '../consuming/grace-period.js';
import { InvalidOptionsError, UnsupportedFeatureError } from '../core/errors/start-up.errors.js';
import type { PlannedHandler } from '../options/handler-definition.js';
import type { MessageSource } from '../ports/source.js';
import type { OwnedSubscription } from '../ports/owned-subscription.js';
import type { ResolvedOptions } from '../options/streams-options.js';
import { resolveLoadBalancer, type LoadBalancerOptions } from '../options/load-balancer-options.js';

/** The consumer that reads the streams of one service. */
interface BalancedConsumer {
  readonly consumer: Consumer;
  readonly presence: Presence | undefined;
}

/** The services whose streams are shared out to this process, and the consumers that read them. */
export class BalancedServices {
  private readonly balancers = new Map<string, Balancer>();
  private readonly consumers = new Map<Balancer, BalancedConsumer>();
  private stopping = false;

  constructor(
    private readonly driver: Driver,
    private readonly parts: ConsumerParts,
    private readonly options: ResolvedOptions,
  ) {}

  /**
   * Call it once for each service.
   * @throws InvalidOptionsError, UnsupportedFeatureError
   */
  join(given: LoadBalancerOptions): Balancer {
    const settings = resolveLoadBalancer(given);
    const { ownership, source } = this.driver;
    if (!ownership || !keepsOrder(source.capabilities)) {
      const { technology } = source.capabilities;
      const advice =
        'Use a driver that has the port ownership and keeps the order of what was released.';
      throw new UnsupportedFeatureError('Balancing streams', technology, advice);
    }
    if (this.balancers.has(settings.service)) {
      throw new InvalidOptionsError([
        `service "${settings.service}" has a load balancer already: import LoadBalancerModule once for each`,
      ]);
    }
    const { clock, events } = this.parts;
    const balancer = new Balancer({ ...settings, clock, events, ownership });
    this.balancers.set(settings.service, balancer);
    return balancer;
  }

  /** The handlers of each service. */
  get read(): readonly Pick<ConsumerPlan, 'group' | 'tables'>[] {
    return [...this.consumers.values()].map(({ consumer }) => consumer.plan);
  }

  /**
   * Checks these handlers and assigns them to their services.
   * @returns a function that begins to own streams, which no error of the handlers can follow
   * @throws InvalidOptionsError where a service has no load balancer
   */
  prepare(handlers: readonly PlannedHandler[]): () => Promise<void> {
    const tables = new Map<Balancer, HandlerTable>();
    for (const { definition, bound } of handlers) {
      const balancer = this.balancerOf(definition.options.balanced!, definition.name);
      const table =
        tables.get(balancer) ??
        new HandlerTable(balancer.service, groupOf(balancer.service), undefined);
      tables.set(balancer, table);
      const guarded = { ...bound, invoke: whileOwned(balancer, bound.invoke) };
      for (const event of definition.events) table.add(event, guarded, true);
    }
    return async () => {
      await Promise.all([...tables].map(([balancer, table]) => this.work(balancer, table)));
    };
  }

  /** Gives all streams back once the messages under way are settled. Idempotent. */
  async stop(): Promise<void> {
    this.stopping = true;
    const stopped = [...this.consumers.values()].map((one) => stop(one));
    const balancers = [...this.balancers.values()];
    const ended = await Promise.allSettled(balancers.map((one) => one.end(false, 'shutdown')));
    await Promise.all(stopped);
    for (const result of ended) {
      if (result.status === 'fulfilled') continue;
      // The locks of streams that were not given back expire by themselves.
      const { events } = this.parts;
      events.emit('worker-error', { worker: 'load balancer', error: result.reason as Error });
    }
  }

  /**
   * Gives the streams of one service back, or completes them, once the messages under way are
   * settled. A run that calls this waits for the other runs of the service only, see
   * {@link endFor}.
   */
  end(balancer: Balancer, complete: boolean): Promise<void> {
    const ended = balancer.end(complete, complete ? 'done' : 'released');
    const own = this.consumers.get(balancer);
    return endFor(this.parts.clock, ended, () => othersEnded(own ? [own] : []));
  }

  /**
   * Completes a stream. Called by the run of one of its messages, it completes the stream once that
   * message is settled, as `context.done()` does.
   */
  complete(balancer: Balancer, stream: string): Promise<void> {
    return called(async () => {
      await promisesLinked();
      const own = callingRun().filter((delivery) => delivery.stream === stream);
      if (own.length === 0) return balancer.complete(stream);
      for (const { lease } of own) lease.finishing = true;
    });
  }

  /** Resolves when only runs that await the end are left. @returns whether there are any */
  othersEnded(): Promise<boolean> {
    return othersEnded([...this.consumers.values()]);
  }

  /** A run that does not end may hold up a hand-over, but no shutdown. */
  private letGo(
    subscription: OwnedSubscription,
    owned: OwnedStream,
    complete: boolean,
  ): Promise<void> {
    const rests = subscription.letGo(owned, complete);
    const { runs } = graceOf(this.options.gracePeriod);
    return this.stopping ? withPatience(this.parts.clock, runs, rests) : rests;
  }

  private balancerOf(service: string, handler: string): Balancer {
    const balancer = this.balancers.get(service);
    if (balancer) return balancer;
    throw new InvalidOptionsError([
      `${handler} takes streams of service "${service}": import LoadBalancerModule.forRoot({ service: '${service}' })`,
    ]);
  }

  private async work(balancer: Balancer, table: HandlerTable): Promise<void> {
    const { group } = table;
    const subscription = balancer.subscribe({
      group,
      startId: '0',
      blockTimeout: this.options.blockTimeout,
      runsWithin: runsWithin([table], this.options.idleTimeout),
      onFinished: (held, completed) => void balancer.finished(held, completed),
    });
    // One announcement for all streams of the service. The consumer keeps its name, by which other
    // consumers of the service know it.
    const presence = await announce({
      ...this.options,
      ...this.parts,
      group,
      consumer: balancer.id,
      tables: new SameTable(table),
      onRenamed: () => undefined,
    });
    const { concurrency } = table.handlers.find((one) => one.concurrency !== undefined) ?? {};
    const consumer = new Consumer({
      ...this.options,
      ...this.parts,
      plan: { group, tables: new SameTable(table), concurrency, ordered: false },
      consumer: balancer.id,
      source: reading(this.driver.source, subscription),
      presence,
    });
    this.consumers.set(balancer, { consumer, presence });
    await consumer.start();
    balancer.workWith({
      added: (owned) => subscription.add(owned),
      group,
      letGo: async (owned, complete) => {
        await this.letGo(subscription, owned, complete);
        await consumer.gaveUp(owned.stream, complete);
      },
      lost: (owned) => {
        subscription.drop(owned);
        void consumer.gaveUp(owned.stream);
      },
    });
    await balancer.start();
  }
}

async function othersEnded(consumers: readonly BalancedConsumer[]): Promise<boolean> {
  const left = consumers.map(({ consumer }) => consumer.othersEnded());
  return (await Promise.all(left)).includes(true);
}

/** Stops a consumer that leaves its group. */
async function stop({ consumer, presence }: BalancedConsumer): Promise<void> {
  presence?.mark(consumer.plan.tables.keys(), 'closing');
  await consumer.stop();
  await presence?.leave();
}

/** Separates handlers of load balanced streams from the others. */
export function divided(
  handlers: readonly PlannedHandler[],
): [balanced: PlannedHandler[], others: PlannedHandler[]] {
  const isBalanced = ({ definition }: PlannedHandler): boolean =>
    definition.options.balanced !== undefined;
  return [handlers.filter(isBalanced), handlers.filter((handler) => !isBalanced(handler))];
}

/** Group in which the data streams of a service are read. */
export const groupOf = (service: string): string => `${service}-group`;

/** Gives the same table for every stream: all streams of a service have the same handlers. */
class SameTable extends Map<string, HandlerTable> {
  constructor(private readonly table: HandlerTable) {
    super([[table.stream, table]]);
  }

  override get(): HandlerTable {
    return this.table;
  }
}

/** A source whose `subscribe` returns this subscription. */
function reading(source: MessageSource, subscription: OwnedSubscription): MessageSource {
  return {
    capabilities: source.capabilities,
    publish: (entries) => source.publish(entries),
    settle: (batch) => source.settle(batch),
    close: () => source.close(),
    subscribe: () => Promise.resolve(subscription),
  };
}
