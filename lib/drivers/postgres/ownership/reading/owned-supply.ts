import { Backoff } from '../../../../core/backoff.js';
import { sleep, systemClock, type TimerHandle } from '../../../../core/clock.js';
import { ConnectionError } from '../../../../core/errors/connection.errors.js';
import { ClosedError } from '../../../../core/errors/start-up.errors.js';
import { ReadAnswers } from '../../../connections/read-answers.js';
import type { EventBus } from '../../../../core/event-bus.js';
import type { Database } from '../../connection/database.js';
import type { Listener } from '../../connection/listener.js';
import { PostgresLease, type ClaimedEntry } from '../../held-entries/postgres.lease.js';
import { MESSAGES } from '../../publishing/message-hints.js';
import { drop, type Claimed } from '../../reading/claims.js';
import { toStored } from '../../sql/exact-text.js';
import { claimOwned, readyOwned, type Placed } from './owned-claims.js';
import type { OwnedPlaces } from './owned-places.js';
import type { OwnedReading } from './owned-reading.js';

/** Most streams of one claim, so that no statement takes long. */
const AT_ONCE = 500;
/** A stream whose lock has expired is asked for again after this time, in milliseconds. */
const REFUSED = 100;
/** Between two looks there is a pause of 1 ms per this number of idle streams. */
const IDLE_PER_MS = 20;

export interface OwnedSupplyOptions {
  readonly database: Database;
  readonly listener: Listener;
  readonly events: EventBus;
  readonly group: string;
  readonly consumer: string;
  readonly places: OwnedPlaces;
}

/** Claims entries for all streams that one consumer owns: one statement for many streams. */
export class OwnedSupply {
  private readonly hungry = new Set<OwnedReading>();
  /** Streams that had nothing to hand out. */
  private readonly idle = new Set<OwnedReading>();
  /** Streams of the claim under way. */
  private asked: readonly OwnedReading[] = [];
  /** Something has come for these while they were asked for. */
  private readonly again = new Set<OwnedReading>();
  private readonly closing = new AbortController();
  private readonly backoff = new Backoff();
  private readonly deaf: () => void;
  private running: Promise<void> | undefined;
  private looking: Promise<void> | undefined;
  private timer: TimerHandle;
  private toldOf: string | undefined;
  readonly answers = new ReadAnswers();

  constructor(private readonly options: OwnedSupplyOptions) {
    this.deaf = options.listener.on(MESSAGES, (numbers) => this.heard(new Set(numbers)));
    this.armLook();
  }

  /** The stream can take an entry. */
  ask(reading: OwnedReading): void {
    if (this.closing.signal.aborted) return;
    this.idle.delete(reading);
    this.hungry.add(reading);
    this.running ??= this.run().finally(() => (this.running = undefined));
  }

  /** The stream is read no more. */
  forget(reading: OwnedReading): void {
    for (const known of [this.hungry, this.idle]) known.delete(reading);
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.deaf();
    systemClock.clearTimeout(this.timer);
    await this.running;
    await this.looking;
  }

  private async run(): Promise<void> {
    // What becomes hungry in the same turn is asked for together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.hungry.size > 0 && !this.closing.signal.aborted) {
      const readings = [...this.hungry].slice(0, AT_ONCE);
      for (const reading of readings) this.hungry.delete(reading);
      this.asked = readings.filter(({ isHungry }) => isHungry);
      const asking = this.claimFor(this.asked);
      const asked = asking.catch(() => undefined);
      for (const reading of this.asked) reading.asking = asked;
      await this.survive(asking, this.asked);
      for (const reading of this.asked) reading.asking = undefined;
      this.asked = [];
    }
  }

  /** Waits out an obstacle, with backoff, and asks for the same streams again. */
  private async survive(asking: Promise<void>, readings: readonly OwnedReading[]): Promise<void> {
    this.answers.asked();
    try {
      await asking;
      this.answers.answered();
      this.backoff.reset();
      this.toldOf = undefined;
    } catch (error) {
      if (error instanceof ClosedError || this.closing.signal.aborted) return;
      this.answers.failed(error as Error);
      this.failed(error as Error);
      await sleep(systemClock, this.backoff.next(), this.closing.signal);
      for (const reading of readings) if (reading.isHungry) this.hungry.add(reading);
    }
  }

  /** The connection tells of an outage itself. */
  private failed(error: Error): void {
    if (error instanceof ConnectionError || error.message === this.toldOf) return;
    this.toldOf = error.message;
    this.options.events.emit('worker-error', { worker: 'reader of owned streams', error });
  }

  private async claimFor(readings: readonly OwnedReading[]): Promise<void> {
    const { database, consumer, places } = this.options;
    this.again.clear();
    await places.find(readings);
    const placed = readings.filter((one): one is Placed => one.place !== undefined);
    // A group that cannot be read now is looked for again at the next look.
    for (const reading of readings) if (!reading.place) this.idle.add(reading);
    if (placed.length === 0) return;
    const rows = await claimOwned(database, consumer, placed);
    const byGroup = new Map(rows.map((row) => [row.grp, row]));
    await Promise.all(
      placed.map((reading) => this.answer(reading, byGroup.get(reading.place.grp))),
    );
    const without = rows.filter(({ hold, fields }) => hold !== null && fields === null);
    if (without.length > 0) await drop(database, without);
  }

  private async answer(reading: Placed, row: Claimed | undefined): Promise<void> {
    if (!row) return this.foundNothing(reading);
    if (row.kind === 'disowned') return this.refused(reading);
    const { events, group } = this.options;
    const about = { stream: reading.place.stream, group, count: 1 };
    if (row.fields === null) {
      events.emit('trimmed', about);
      this.hungry.add(reading);
      return;
    }
    if (row.kind === 'back' && row.redrive === '0') {
      events.emit('reclaimed', about);
      const ofOther = row.holder !== null && row.holder !== toStored(reading.consumer);
      if (ofOther && reading.isLate(row.message)) events.emit('order-broken', about);
    }
    await reading.take(new PostgresLease(reading, reading.place, row as Claimed & ClaimedEntry));
  }

  private foundNothing(reading: OwnedReading): void {
    if (reading.foundNothing() || !reading.isHungry) return;
    if (this.again.has(reading)) this.hungry.add(reading);
    else this.idle.add(reading);
  }

  /** The lock has expired. The next heartbeat takes it again, or tells that it is lost. */
  private refused(reading: OwnedReading): void {
    void sleep(systemClock, REFUSED, this.closing.signal).then(() => {
      if (reading.isHungry) this.ask(reading);
    });
  }

  /** There may be something to read in these streams. None is named: in all. */
  private heard(numbers: ReadonlySet<string>): void {
    const isMeant = ({ place }: OwnedReading): boolean =>
      place !== undefined && (numbers.size === 0 || numbers.has(String(place.number)));
    for (const reading of [...this.idle]) if (isMeant(reading)) this.ask(reading);
    for (const reading of this.asked) if (isMeant(reading)) this.again.add(reading);
  }

  private armLook(): void {
    const pause = Math.max(this.options.listener.pollInterval, this.idle.size / IDLE_PER_MS);
    this.timer = systemClock.setTimeout(() => {
      this.looking = this.look()
        .catch((error: unknown) => {
          if (!(error instanceof ClosedError)) this.failed(error as Error);
        })
        .finally(() => {
          if (!this.closing.signal.aborted) this.armLook();
        });
    }, pause);
  }

  /** Finds what no hint has told of. */
  private async look(): Promise<void> {
    const byGroup = new Map<number, OwnedReading>();
    for (const reading of [...this.idle]) {
      if (reading.place) byGroup.set(reading.place.grp, reading);
      else this.ask(reading);
    }
    if (byGroup.size === 0) return;
    for (const { grp, gone } of await readyOwned(this.options.database, [...byGroup.keys()])) {
      const reading = byGroup.get(grp)!;
      if (gone) reading.place = undefined;
      if (this.idle.has(reading)) this.ask(reading);
    }
  }
}
