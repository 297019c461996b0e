import { asError } from '../core/errors/error-record.js';
import { randomUUID } from 'node:crypto';
import { sleep } from '../core/clock.js';
import type { LeaseStore } from '../ports/lease-store.js';
import type { Worker } from '../core/worker.js';
import { Consumer } from './consumer.js';
import type { ConsumerOptions } from './consumer-options.js';
import type { ConsumerPlan } from './plan/plan.js';
import { LeaseHolder } from './ordering/lease-holder.js';

/**
 * How often a waiting consumer tries to acquire the stream: share of the lease, and bounds in
 * milliseconds.
 */
const ASK = { share: 0.1, least: 20, most: 1000 };

/**
 * A consumer that gave the stream up to another consumer waits this many times as long before it
 * tries again.
 */
const YIELDED = 3;

/** The time during which this consumer owns its stream. */
interface Term {
  readonly consumer: Consumer;
  /** The term is given up as soon as nothing runs. */
  halted: boolean;
  /** Resolves when the lease was lost and nothing of the term runs any more. */
  readonly ended: Promise<void>;
  release(): Promise<void>;
}

/**
 * The only consumer of its group on its stream, as long as it holds the lease. Otherwise it waits
 * for the lease. Each time it acquires the lease it starts like a new process. While it is paused,
 * it gives the stream up as soon as none of its messages runs here.
 */
export class OrderedConsumer implements Worker {
  private readonly owner = randomUUID();
  private readonly stream: string;
  private readonly leases: LeaseStore;
  /** The consumer of the present term, or of the one that begins. */
  private consumer: Consumer | undefined;
  private term: Term | undefined;
  private loop: Promise<void> | undefined;
  private paused = false;
  private yielded = false;
  /** Wakes the loop when `paused` has changed. */
  private turned: (() => void) | undefined;
  private readonly stopping = new AbortController();
  private stopped: Promise<void> | undefined;

  constructor(private readonly options: ConsumerOptions & { readonly leases: LeaseStore }) {
    this.leases = options.leases;
    [this.stream] = [...options.plan.tables.keys()] as [string];
  }

  get plan(): ConsumerPlan {
    return this.options.plan;
  }

  /**
   * Resolves as the owner, or as a waiting consumer. @throws where it holds the lease and cannot
   * consume
   */
  async start(): Promise<void> {
    this.term = await this.begin();
    this.loop = this.run();
  }

  /** As {@link Consumer.stop}. Afterwards another consumer may have the stream at once. */
  stop(): Promise<void> {
    this.stopped ??= this.end();
    return this.stopped;
  }

  /** As {@link Consumer.halt}. Another consumer may have the stream once nothing runs. */
  halt(): void {
    this.paused = true;
    if (this.term) this.haltTerm(this.term);
    this.turned?.();
  }

  /** Messages that ran when it was halted end first. */
  resume(): void {
    this.paused = false;
    this.turned?.();
  }

  /** As {@link Consumer.othersEnded}. */
  async othersEnded(streams: ReadonlySet<string>): Promise<boolean> {
    return (await this.consumer?.othersEnded(streams)) ?? false;
  }

  /** Stops the consumer, which has one stream only. */
  leave(): Promise<void> {
    return this.stop();
  }

  handlersChanged(): void {
    this.consumer?.handlersChanged();
  }

  /** As {@link Consumer.disown}. */
  disown(): void {
    this.consumer?.disown();
  }

  acknowledged(stream: string, id: string): void {
    this.consumer?.acknowledged(stream, id);
  }

  private async end(): Promise<void> {
    this.stopping.abort();
    // Without waiting. A term that begins meanwhile is stopped after it has begun.
    await this.term?.consumer.stop();
    await this.loop;
    await this.term?.consumer.stop();
    await this.term?.release();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      if (this.term) await this.whileOwner(this.term);
      if (this.paused) await this.unless(signal, this.untilTurned());
      else await sleep(this.options.clock, this.pause(), signal);
      if (!signal.aborted && !this.paused) this.term = await this.beginAgain();
    }
  }

  /** Resolves when the term is lost, given up in a pause, or at the end. */
  private async whileOwner(term: Term): Promise<void> {
    const { signal } = this.stopping;
    if (this.paused) this.haltTerm(term);
    await this.unless(signal, Promise.race([term.ended, this.untilGivenUp(term)]));
    if (signal.aborted) return;
    await term.release();
    this.term = undefined;
  }

  private haltTerm(term: Term): void {
    term.halted = true;
    term.consumer.halt([this.stream]);
  }

  private async untilGivenUp(term: Term): Promise<void> {
    while (!term.halted) await this.untilTurned();
    await term.consumer.empty();
    await term.consumer.stop();
  }

  private untilTurned(): Promise<void> {
    return new Promise((resolve) => (this.turned = resolve));
  }

  private async unless(signal: AbortSignal, wanted: Promise<void>): Promise<void> {
    if (signal.aborted) return;
    let stop!: () => void;
    const aborted = new Promise<void>((resolve) => (stop = resolve));
    signal.addEventListener('abort', stop, { once: true });
    await Promise.race([wanted, aborted]);
    signal.removeEventListener('abort', stop);
  }

  private async beginAgain(): Promise<Term | undefined> {
    try {
      return await this.begin();
    } catch (error) {
      this.options.events.emit('worker-error', { worker: 'ordering', error: asError(error) });
      return undefined;
    }
  }

  /** @returns undefined where another owner has the lease */
  private async begin(): Promise<Term | undefined> {
    const { leases } = this;
    const { clock, events, plan, idleTimeout: ttl } = this.options;
    const where = { stream: this.stream, group: plan.group };
    const askedAt = clock.now();
    const name = { stream: this.stream, name: plan.group };
    const lease = await leases.acquire(name, this.owner, ttl);
    if (!lease) return undefined;
    let tell!: () => void;
    const lost = new Promise<void>((resolve) => (tell = resolve));
    let starting = Promise.resolve();
    const onLost = (): void => {
      events.emit('stream-lost', where);
      consumer.disown();
      void starting.then(() => consumer.stop()).then(tell, tell);
    };
    const heldLease = new LeaseHolder({ leases, lease, ttl, askedAt, clock, events, onLost });
    const onYield = (): void => {
      this.yielded = true;
      if (this.term?.consumer === consumer) this.term.halted = true;
      this.turned?.();
    };
    const consumer: Consumer = new Consumer({ ...this.options, heldLease, onYield });
    this.yielded = false;
    const release = async (): Promise<void> => {
      heldLease.end();
      // Where the release fails, the other consumers wait until the lease expires.
      await leases.release(lease).catch(() => undefined);
    };
    events.emit('stream-acquired', { ...where, token: lease.token });
    this.consumer = consumer;
    try {
      await (starting = consumer.start());
    } catch (error) {
      await release();
      throw error;
    }
    return { consumer, halted: this.yielded, ended: lost, release };
  }

  private pause(): number {
    const { share, least, most } = ASK;
    const wait = Math.min(Math.max(this.options.idleTimeout * share, least), most);
    return wait * (this.yielded ? YIELDED : 0.75 + Math.random() / 4);
  }
}
