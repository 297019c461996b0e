import { systemClock } from '../../../../core/clock.js';
import { StreamUnsettledError } from '../../../../core/errors/balancing.errors.js';
import type { EventBus } from '../../../../core/event-bus.js';
import type { HeldStream } from '../../../../core/held-stream.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../../../../core/lease.js';
import { release } from '../../../../core/settlement.js';
import { OwnedReadings } from '../../../../ports/owned-readings.js';
import type {
  OwnedSubscribeOptions,
  OwnedSubscription,
} from '../../../../ports/owned-subscription.js';
import type { Settle } from '../../../../ports/source.js';
import type { StreamLocks } from '../../../../ports/stream-locks.js';
import type { ReadTrouble } from '../../../../core/read-trouble.js';
import { troubleOf } from '../../../connections/read-answers.js';
import { WakeUp } from '../../../connections/wake-up.js';
import type { Database } from '../../connection/database.js';
import type { Listener } from '../../connection/listener.js';
import { beginLeases } from '../../held-entries/leasing.js';
import type { PostgresLease } from '../../held-entries/postgres.lease.js';
import type { Streams } from '../../streams/streams.js';
import { extendOwned } from './owned-claims.js';
import { OwnedPlaces } from './owned-places.js';
import { OwnedReading } from './owned-reading.js';
import { OwnedSupply } from './owned-supply.js';

export interface PostgresOwnedOptions extends OwnedSubscribeOptions {
  readonly database: Database;
  readonly listener: Listener;
  readonly streams: Streams;
  readonly events: EventBus;
  readonly locks: Pick<StreamLocks, 'guards'>;
  readonly consumer: string;
  /** The number of the group of inputs. */
  readonly inputs: () => Promise<number>;
  readonly settle: Settle;
}

/** Reads all streams that one consumer owns. */
export class PostgresOwnedSubscription implements OwnedSubscription {
  private readonly readings = new OwnedReadings<OwnedReading>();
  private readonly supply: OwnedSupply;
  private ready: PostgresLease[] = [];
  private readonly wakeUp = new WakeUp();
  private stopped = false;

  constructor(private readonly options: PostgresOwnedOptions) {
    this.supply = new OwnedSupply({ ...options, places: new OwnedPlaces(options) });
  }

  add(held: HeldStream): void {
    if (this.stopped || this.readings.of(held)?.ended === false) return;
    const { locks, group, consumer, inputs, onFinished } = this.options;
    const reading = new OwnedReading(held, locks.guards(held), {
      ...{ group, consumer, inputs, onFinished },
      onHungry: (one) => this.supply.ask(one),
      handOut: (lease) => this.handOut(lease),
      giveBack: (lease) => this.giveBack(lease),
    });
    this.readings.set(held.stream, reading);
    this.supply.ask(reading);
  }

  async letGo(held: HeldStream, complete = false): Promise<void> {
    const reading = this.readings.of(held);
    if (!reading) return;
    if (complete && reading.awaitsRetry) throw new StreamUnsettledError(held.stream);
    reading.end();
    this.supply.forget(reading);
    await this.takeBack(reading);
    await reading.letGo();
    this.readings.forget(reading);
  }

  drop(held: HeldStream): void {
    const reading = this.readings.of(held);
    if (!reading) return;
    this.ready = this.ready.filter(({ holder }) => holder !== reading);
    this.readings.drop(reading);
    this.supply.forget(reading);
  }

  async pull(limit: number): Promise<Lease[]> {
    const end = systemClock.now() + this.options.blockTimeout;
    while (this.ready.length === 0 && !this.stopped && systemClock.now() < end) {
      await this.wakeUp.wait(end - systemClock.now());
    }
    return this.stopped ? [] : this.ready.splice(0, limit);
  }

  trouble(): ReadTrouble {
    const answers = [this.supply.answers];
    return troubleOf([...this.readings.keys()].map((stream) => ({ stream, answers })));
  }

  begin(lease: Lease): Promise<BeginOutcome> {
    const { database, events } = this.options;
    const own = lease as PostgresLease;
    return readingOf(own).begin(async () => (await beginLeases(database, events, [own]))[0]!);
  }

  /**
   * The lock of the whole stream keeps its leases. This asks the server all the same, to find out
   * whether an entry was settled elsewhere.
   */
  async extend(leases: readonly Lease[]): Promise<ExtendOutcome[]> {
    const { database, events } = this.options;
    if (leases.length === 0) return [];
    return extendOwned(database, events, leases as readonly PostgresLease[]);
  }

  forget(lease: Lease, left = false): void {
    readingOf(lease as PostgresLease).forgotten(lease as PostgresLease, left);
  }

  /** Does nothing: the load balancer decides which streams are read. */
  watch(): void {}

  async stop(): Promise<void> {
    this.stopped = true;
    this.wakeUp.wake();
  }

  async close(): Promise<void> {
    await this.stop();
    this.readings.dropAll();
    await this.supply.close();
  }

  private handOut(lease: PostgresLease): void {
    this.ready.push(lease);
    this.wakeUp.wake();
  }

  /** Gives back the entry of a stream that waits in this process. */
  private async takeBack(reading: OwnedReading): Promise<void> {
    const waiting = this.ready.filter(({ holder }) => holder === reading);
    this.ready = this.ready.filter(({ holder }) => holder !== reading);
    for (const lease of waiting) {
      await this.giveBack(lease);
      reading.forgotten(lease, true);
    }
  }

  /** The next owner takes the entry in any case. Giving it back takes back the counted run. */
  private async giveBack(lease: PostgresLease): Promise<void> {
    await this.options.settle([{ lease, settlement: release }]).catch(() => undefined);
  }
}

const readingOf = ({ holder }: PostgresLease): OwnedReading => holder as OwnedReading;
