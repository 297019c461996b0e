import { systemClock } from '../../../../core/clock.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../../../../core/lease.js';
import { StreamUnsettledError } from '../../../../core/errors/balancing.errors.js';
import type { HeldStream } from '../../../../core/held-stream.js';
import type {
  OwnedSubscribeOptions,
  OwnedSubscription,
} from '../../../../ports/owned-subscription.js';
import type { EventBus } from '../../../../core/event-bus.js';
import type { ReadTrouble } from '../../../../core/read-trouble.js';
import { troubleOfAll } from '../../../connections/read-answers.js';
import { WakeUp } from '../../../connections/wake-up.js';
import type { Commands } from '../../connection/commands.js';
import type { Connector } from '../../connection/connector.js';
import { EntrySizes } from '../../held-entries/entry-sizes.js';
import type { Keys } from '../../keys/keys.js';
import type { ReadBudget } from '../../held-entries/read-budget.js';
import { OwnedReadings } from '../../../../ports/owned-readings.js';
import { Leasing, releaseLease } from '../../held-entries/leasing.js';
import type { RedisLease } from '../../held-entries/redis.lease.js';
import { IdleWatch, PollingWatch, type StreamWatch } from './idle-watch.js';
import { OwnedReading } from './owned-reading.js';
import { RedrivenLook } from './redriven-look.js';
import type { RedisStreamLocks } from '../locks/redis.stream-locks.js';

/** Maximum of entries that wait in memory: of one stream, and of all streams together. */
const MOST_OF_ONE = 20;
const MOST_OF_ALL = 4000;

export interface RedisOwnedOptions extends OwnedSubscribeOptions {
  readonly connector: Connector;
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
  readonly budget: ReadBudget;
  readonly locks: RedisStreamLocks;
  readonly consumer: string;
}

/** Reads all streams that one consumer owns. */
export class RedisOwnedSubscription implements OwnedSubscription {
  private readonly readings = new OwnedReadings<OwnedReading>();
  private readonly idle: StreamWatch;
  private readonly leasing: Leasing;
  private readonly sizes = new EntrySizes();
  private readonly leaveBudget: () => void;
  private ready: RedisLease[] = [];
  private readonly wakeUp = new WakeUp();
  private stopped = false;
  private readonly redrivenLook: RedrivenLook;
  private looking: Promise<void> | undefined;

  constructor(private readonly options: RedisOwnedOptions) {
    const { commands, events } = options;
    this.idle = commands.topology ? new PollingWatch() : new IdleWatch(options);
    this.redrivenLook = new RedrivenLook(commands, () => this.readings.values());
    this.leasing = new Leasing(commands, events);
    this.leaveBudget = options.budget.join();
  }

  add(held: HeldStream): void {
    if (this.stopped || this.readings.of(held)?.ended === false) return;
    this.looking ??= this.redrivenLook.run();
    const reading = new OwnedReading(held, this.options.locks.guards(held), {
      ...this.options,
      watch: this.idle,
      sizes: this.sizes,
      atOnce: () => this.atOnce,
      handOut: (lease) => this.handOut(lease),
    });
    this.readings.set(held.stream, reading);
    reading.start();
  }

  async letGo(held: HeldStream, complete = false): Promise<void> {
    const reading = this.readings.of(held);
    if (!reading) return;
    if (complete && reading.awaitsRetry) throw new StreamUnsettledError(held.stream);
    await this.takeBack(reading);
    await reading.letGo();
    this.readings.forget(reading);
  }

  drop(held: HeldStream): void {
    const reading = this.readings.of(held);
    if (!reading) return;
    this.ready = this.ready.filter(({ holder }) => holder !== reading);
    this.readings.drop(reading);
  }

  async pull(limit: number): Promise<Lease[]> {
    const end = systemClock.now() + this.options.blockTimeout;
    while (this.ready.length === 0 && !this.stopped && systemClock.now() < end) {
      await this.wakeUp.wait(end - systemClock.now());
    }
    return this.ready.splice(0, limit);
  }

  trouble(): ReadTrouble {
    const readings = [...this.readings.values()];
    return troubleOfAll(
      readings.map(({ owned, answers }) => ({ stream: owned.stream, answers: [answers] })),
    );
  }

  begin(lease: Lease): Promise<BeginOutcome> {
    return readingOf(lease).begin(() => this.leasing.begin(lease as RedisLease));
  }

  /**
   * The lock of the whole stream keeps its leases. This asks the server all the same, to find out
   * whether an entry was settled elsewhere.
   */
  extend(leases: readonly Lease[]): Promise<ExtendOutcome[]> {
    return this.leasing.extend(leases as readonly RedisLease[]);
  }

  forget(lease: Lease, left = false): void {
    readingOf(lease).forgotten(lease as RedisLease, left);
  }

  /** The load balancer decides which streams are read. */
  watch(): void {}

  async stop(): Promise<void> {
    this.stopped = true;
    this.wakeUp.wake();
  }

  async close(): Promise<void> {
    await this.stop();
    this.leaveBudget();
    this.readings.dropAll();
    this.redrivenLook.stop();
    await this.idle.close();
    await this.looking;
  }

  /** Limits the read, so that many busy streams do not fill the memory. */
  private get atOnce(): number {
    const { budget } = this.options;
    const all = Math.min(MOST_OF_ALL, budget.share / this.sizes.largest);
    return Math.max(1, Math.min(MOST_OF_ONE, Math.floor(all / this.readings.size)));
  }

  private handOut(lease: RedisLease): void {
    this.ready.push(lease);
    this.wakeUp.wake();
  }

  /** Gives back the entries of a stream that wait in this process, and hands them out no more. */
  private async takeBack(reading: OwnedReading): Promise<void> {
    const waiting = this.ready.filter(({ holder }) => holder === reading);
    this.ready = this.ready.filter(({ holder }) => holder !== reading);
    for (const lease of waiting) {
      reading.end();
      await releaseLease(this.options.commands, lease).catch(() => undefined);
      reading.forgotten(lease, true);
    }
  }
}

const readingOf = (lease: Lease): OwnedReading => (lease as RedisLease).holder as OwnedReading;
