import { asError } from '../core/errors/error-record.js';
import { sleep } from '../core/clock.js';
import type { Worker } from '../core/worker.js';
import { Consumer } from './consumer.js';
import type { ConsumerOptions } from './consumer-options.js';
import { announce, type Presence } from './live-consumers/presence.js';
import { OrderedConsumer } from './ordered-consumer.js';
import type { ConsumerPlan } from './plan/plan.js';
import { takesBatches } from './running/concurrency-limits.js';

/** Wait before a consumer that could not begin again is tried again, in milliseconds. */
const BEGIN_AGAIN = 1000;

/**
 * A consumer that announces itself before it reads, and runs under the name that it got. Where
 * another consumer takes that name, it begins again under another one.
 */
export class AnnouncedConsumer implements Worker {
  /** It has slots for batches, which are made when it starts. */
  readonly batches: boolean;
  private consumer: Consumer | OrderedConsumer | undefined;
  private presence: Presence | undefined;
  private readonly halted = new Set<string>();
  private readonly left = new Set<string>();
  /** Consumers whose names were taken, while their last runs end. */
  private readonly ending = new Map<Consumer | OrderedConsumer, Promise<void>>();
  private beginning: Promise<void> | undefined;
  private readonly stopping = new AbortController();
  private stopped: Promise<void> | undefined;

  constructor(private readonly options: ConsumerOptions) {
    this.batches = takesBatches(options.plan);
  }

  get plan(): ConsumerPlan {
    return this.options.plan;
  }

  /** The name of the consumer in its group. */
  get name(): string {
    return this.presence?.consumer ?? this.options.consumer;
  }

  start(): Promise<void> {
    return this.begin();
  }

  /** As {@link Consumer.stop}. From its beginning other consumers hand nothing to this one. */
  stop(): Promise<void> {
    this.stopped ??= this.end();
    return this.stopped;
  }

  /** As {@link Consumer.halt}. */
  halt(streams: Iterable<string>): void {
    const halted = [...streams];
    for (const stream of halted) this.halted.add(stream);
    this.presence?.mark(halted, 'paused');
    this.consumer?.halt(halted);
  }

  resume(streams: Iterable<string>): void {
    const resumed = [...streams];
    for (const stream of resumed) this.halted.delete(stream);
    this.presence?.mark(resumed, 'live');
    this.consumer?.resume(resumed);
  }

  /** As {@link Consumer.leave}. */
  async leave(streams: ReadonlySet<string>): Promise<void> {
    for (const stream of streams) this.left.add(stream);
    this.presence?.mark(streams, 'closing');
    await this.consumer?.leave(streams);
    await this.presence?.leave(streams);
  }

  /** As {@link Consumer.othersEnded}. */
  async othersEnded(streams: ReadonlySet<string>): Promise<boolean> {
    const consumers = [...(this.consumer ? [this.consumer] : []), ...this.ending.keys()];
    const left = await Promise.all(consumers.map((consumer) => consumer.othersEnded(streams)));
    return left.includes(true);
  }

  /**
   * Handlers were added to the tables of the plan, or removed. Resolves when other consumers know.
   */
  async handlersChanged(): Promise<void> {
    this.consumer?.handlersChanged();
    await this.presence?.changed(new Set(this.options.plan.tables.keys()));
  }

  acknowledged(stream: string, id: string): void {
    this.consumer?.acknowledged(stream, id);
  }

  private begin(): Promise<void> {
    this.beginning = this.beginNow();
    return this.beginning;
  }

  private async beginNow(): Promise<void> {
    const { plan } = this.options;
    const onRenamed = (): void => void this.beginAnew();
    const announcement = { ...this.options, ...plan, onRenamed, except: this.left };
    this.presence = await announce(announcement);
    const options = { ...this.options, consumer: this.name, presence: this.presence };
    const { leases, source } = options;
    const hasPartitions = source.capabilities.holds === 'partition';
    const needsLease = plan.ordered && !hasPartitions && leases;
    const consumer = needsLease
      ? new OrderedConsumer({ ...options, leases })
      : new Consumer(options);
    try {
      await consumer.start();
    } catch (error) {
      await this.presence?.leave();
      throw error;
    }
    this.consumer = consumer;
    const { halted, left } = this;
    if (halted.size + left.size > 0) consumer.halt([...halted, ...left]);
    this.presence?.mark(halted, 'paused');
  }

  /** The other consumer has what this one held. */
  private async beginAnew(): Promise<void> {
    const { events, clock, plan } = this.options;
    const { signal } = this.stopping;
    const before = this.name;
    const ending = this.endLost();
    while (!signal.aborted) {
      try {
        await this.begin();
        const streams = [...plan.tables.keys()];
        events.emit('consumer-renamed', {
          group: plan.group,
          streams,
          before,
          consumer: this.name,
        });
        break;
      } catch (error) {
        events.emit('worker-error', { worker: 'consumer', error: asError(error) });
        await sleep(clock, BEGIN_AGAIN, signal);
      }
    }
    await ending;
  }

  private async endLost(): Promise<void> {
    const { consumer } = this;
    this.consumer = undefined;
    consumer?.disown();
    consumer?.halt(this.options.plan.tables.keys());
    if (!consumer) return;
    const ended = consumer.stop();
    this.ending.set(consumer, ended);
    await ended;
    this.ending.delete(consumer);
  }

  private async end(): Promise<void> {
    this.stopping.abort();
    this.presence?.mark(this.options.plan.tables.keys(), 'closing');
    await this.beginning?.catch(() => undefined);
    await Promise.all([this.consumer?.stop(), ...this.ending.values()]);
    await this.presence?.leave();
  }
}
