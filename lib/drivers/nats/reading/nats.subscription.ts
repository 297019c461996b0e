import { randomBytes } from 'node:crypto';
import { chunksOf } from '../../../core/collections/chunks.js';
import { systemClock, within, type TimerHandle } from '../../../core/clock.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../../../core/lease.js';
import type { ReadTrouble } from '../../../core/read-trouble.js';
import type { SubscribeOptions, Subscription } from '../../../ports/subscription.js';
import { WakeUp } from '../../connections/wake-up.js';
import { NatsLease, type Delivered, type EntryHolder } from '../leases/nats.lease.js';
import type { DurableReading } from './durable-reading.js';
import { EntryBuffer } from './entry-buffer.js';
import { Readings, type ReadingParts } from './readings.js';
import { shareOut } from './share-out.js';
import { TakingOver } from './taking-over.js';

/** Streams that are looked for at a time. */
const AT_ONCE = 16;
/** After a pause of this length the state of the durables is looked at, in milliseconds. */
const PAUSED = 1000;
/** Longest wait of `stop` for what the server has sent already, in milliseconds. */
const LAST_WORD = 1000;

interface SubscriptionParts extends ReadingParts {
  readonly onClosed: (closed: NatsSubscription) => void;
}

/** The reader of one consumer, and everything that it holds. */
export class NatsSubscription implements Subscription, EntryHolder {
  readonly group: string;
  readonly consumer: string;
  readonly instance = randomBytes(8).toString('hex');
  private readonly readings: Readings;
  private readonly buffer: EntryBuffer;
  private readonly takingOver: TakingOver;
  private readonly wakeUp = new WakeUp();
  private readonly deaf: (() => void)[] = [];
  /** Undefined: all streams. */
  private watched: ReadonlySet<string> | undefined;
  private ticking: TimerHandle;
  private beating: TimerHandle;
  private pulling = false;
  private pulledAt = systemClock.now();
  private stopped = false;
  /** The error that was told of last. */
  private toldOf: string | undefined;

  constructor(
    private readonly options: SubscribeOptions,
    private readonly parts: SubscriptionParts,
  ) {
    this.group = options.group;
    this.consumer = options.consumer;
    this.buffer = new EntryBuffer({ ...parts, onLeft: (lease) => this.settled(lease) });
    this.readings = new Readings(options, parts, {
      onDelivered: (reading, delivered) => this.delivered(reading, delivered),
      onChange: () => this.wakeUp.wake(),
      onFailed: (error) => this.failed(error),
    });
    this.takingOver = new TakingOver({
      ...{ ...parts, holder: this },
      onClaimed: (leases) => {
        for (const lease of leases) this.buffer.addAgain(lease);
        this.wakeUp.wake();
      },
    });
  }

  /** @throws where a group cannot be found or created */
  async open(): Promise<void> {
    const { streams, redriven } = this.readings;
    for (const some of chunksOf(streams, AT_ONCE)) {
      await Promise.all(some.map((stream) => stream.open()));
    }
    await redriven.open();
    const { connection } = this.parts;
    this.deaf.push(
      connection.onDisconnect(() => this.disconnected()),
      connection.onReconnect(() => this.reconnected()),
      connection.onGivenUp(() => this.wakeUp.wake()),
    );
    this.tick();
    this.beat();
  }

  async pull(limit: number): Promise<Lease[]> {
    if (this.pulling) throw new Error('A pull is under way: await it before the next one.');
    this.pulling = true;
    // Another process may have changed the durable meanwhile.
    if (systemClock.now() - this.pulledAt > PAUSED) this.readings.inspect();
    try {
      return await this.pullUntil(limit, systemClock.now() + this.options.blockTimeout);
    } finally {
      this.pulling = false;
      this.pulledAt = systemClock.now();
    }
  }

  begin(lease: Lease): Promise<BeginOutcome> {
    return this.parts.leases.begin(lease as NatsLease);
  }

  extend(leases: readonly Lease[]): Promise<ExtendOutcome[]> {
    return this.parts.leases.extend(leases as readonly NatsLease[]);
  }

  forget(lease: Lease): void {
    this.settled(lease as NatsLease);
  }

  settled(lease: NatsLease): void {
    const reading = lease.reading as DurableReading;
    if (reading.held.get(lease.sequence) === lease) reading.held.delete(lease.sequence);
    // How far the group has come is noted at the next look.
    reading.wasActive = true;
  }

  trouble(): ReadTrouble {
    return this.readings.trouble;
  }

  watch(streams: ReadonlySet<string>): void {
    this.watched = streams;
    const ended = this.readings.all.filter(({ stream }) => !streams.has(stream));
    void Promise.all(ended.map(({ requests }) => requests.end()))
      .then(() => this.buffer.giveBack(({ stream }) => this.watched?.has(stream) === false))
      .catch((error: unknown) => this.failed(error as Error));
    this.wakeUp.wake();
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    systemClock.clearTimeout(this.ticking);
    systemClock.clearTimeout(this.beating);
    for (const deafen of this.deaf) deafen();
    this.wakeUp.wake();
    await within(systemClock, LAST_WORD, this.giveAllBack());
  }

  async close(): Promise<void> {
    await this.stop();
    for (const { held } of this.readings.all) held.clear();
    this.parts.onClosed(this);
  }

  private async pullUntil(limit: number, end: number): Promise<Lease[]> {
    for (;;) {
      if (this.stopped) return [];
      const { failure } = this.parts.connection;
      if (failure) throw failure;
      const leases = await this.buffer.take(limit);
      const now = systemClock.now();
      if (leases.length === 0 && now >= end) return leases;
      const lookAt = this.ask(limit - leases.length, now);
      if (leases.length > 0) return this.stopped ? this.returned(leases) : leases;
      await this.wakeUp.wait(Math.min(end, lookAt) - now);
    }
  }

  /** Asks for what there is room for. Returns when to ask again. */
  private ask(limit: number, now: number): number {
    // The next connection wakes the pull.
    if (limit === 0 || this.stopped || !this.parts.connection.live) return Infinity;
    const readings = this.readings.all.filter(
      ({ active, stream }) => active && (this.watched?.has(stream) ?? true),
    );
    let lookAt = Infinity;
    for (const [reading, count] of shareOut(readings, limit)) {
      const { requests } = reading;
      requests.look(now);
      const there = requests.awaited + reading.waiting;
      if (there <= count / 2) reading.ask(count - there, this.options.blockTimeout);
      lookAt = Math.min(lookAt, requests.lookAt);
    }
    return Math.max(lookAt, now + 1);
  }

  /** They were taken while the subscription was stopped. */
  private returned(leases: readonly NatsLease[]): Lease[] {
    for (const lease of leases) this.settled(lease);
    this.parts.releaseUnrun(leases).catch((error: unknown) => this.failed(error as Error));
    return [];
  }

  private delivered(reading: DurableReading, delivered: Delivered): void {
    const known = reading.heldOf(delivered);
    // The group was moved back, and has the entry anew: the run goes on.
    if (known && delivered.deliveries === 1) known.redelivered(delivered);
    else if (delivered.deliveries > 1) this.takingOver.add(reading, delivered);
    else {
      const lease = new NatsLease(this, reading, delivered);
      reading.held.set(delivered.sequence, lease);
      this.buffer.add(lease);
      this.wakeUp.wake();
    }
  }

  private async giveAllBack(): Promise<void> {
    await this.readings.stop();
    await this.takingOver.idle();
    await this.buffer.giveBack(() => true);
  }

  private tick(): void {
    this.ticking = systemClock.setTimeout(() => {
      this.readings.tick();
      // A listener of an event may have stopped this subscription.
      if (!this.stopped) this.tick();
    }, this.options.reclaimInterval);
  }

  /** Keeps entries fresh that wait here. Gives them back where the engine takes none for long. */
  private beat(): void {
    const { idleTimeout } = this.options;
    this.beating = systemClock.setTimeout(() => {
      const isLeft = !this.pulling && systemClock.now() - this.pulledAt > idleTimeout;
      const { buffer, readings } = this;
      const work = isLeft ? buffer.giveBack(() => true) : buffer.keepFresh(readings.all);
      work.catch((error: unknown) => this.failed(error as Error));
      if (!this.stopped) this.beat();
    }, idleTimeout / 4);
  }

  private disconnected(): void {
    for (const { requests } of this.readings.all) requests.reset();
  }

  private reconnected(): void {
    this.readings.redriven.lookAgain();
    this.wakeUp.wake();
  }

  private failed(error: Error): void {
    if (this.stopped || error instanceof ClosedError || error.message === this.toldOf) return;
    this.toldOf = error.message;
    this.parts.events.emit('worker-error', { worker: 'reader', error });
  }
}
