import { Backoff } from '../../../core/backoff.js';
import { systemClock, type TimerHandle, within } from '../../../core/clock.js';
import { ConnectionError } from '../../../core/errors/connection.errors.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { Guard } from '../../../core/guard.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../../../core/lease.js';
import type { SubscribeOptions, Subscription } from '../../../ports/subscription.js';
import type { Database } from '../connection/database.js';
import type { Hints } from '../connection/hints.js';
import type { Listener } from '../connection/listener.js';
import { BeginBatch } from '../held-entries/begin-batch.js';
import { HeldTable } from '../held-entries/held-table.js';
import { beginLeases, extendLeases } from '../held-entries/leasing.js';
import type { EntryHolder, PostgresLease } from '../held-entries/postgres.lease.js';
import { onMessages } from '../publishing/message-hints.js';
import type { Streams } from '../streams/streams.js';
import { CrashWatch, lookTimes } from './crash-watch.js';
import { GroupKeeper } from './group-keeper.js';
import { HandedEntries } from './handed-entries.js';
import { Reader } from './reader.js';
import type { ReadTrouble } from '../../../core/read-trouble.js';
import { ReadAnswers, troubleOf } from '../../connections/read-answers.js';
import { WakeUp } from '../../connections/wake-up.js';

export interface SubscriptionParts {
  readonly database: Database;
  readonly listener: Listener;
  readonly hints: Hints;
  readonly streams: Streams;
  readonly events: EventBus;
  readonly onClosed: (closed: PostgresSubscription) => void;
}

/** Longest wait of `close` for giving back what was handed over, in milliseconds. */
const LAST_WORD = 1000;

/** The reader of one consumer, and everything that it holds. */
export class PostgresSubscription implements Subscription, EntryHolder {
  readonly group: string;
  readonly consumer: string;
  readonly guards: readonly Guard[];
  private readonly held = new HeldTable();
  private readonly keeper: GroupKeeper;
  private readonly reader: Reader;
  private readonly beginning: BeginBatch;
  private readonly handed: HandedEntries;
  private readonly wakeUp = new WakeUp();
  private readonly backoff = new Backoff();
  private deaf: (() => void) | undefined;
  private timer: TimerHandle;
  /** Undefined: all streams. */
  private watched: ReadonlySet<string> | undefined;
  private pulling = false;
  /** What is done while no `pull` is under way. */
  private looking: Promise<void> | undefined;
  private stopped = false;
  private readonly answers = new ReadAnswers();
  /** When to ask again, unless something wakes it before. */
  private readAt = 0;
  /** When to look for missing groups again. */
  private restoreAt = 0;
  /** The error that was told of last, until a question succeeds. */
  private toldOf: string | undefined;

  constructor(
    private readonly options: SubscribeOptions,
    private readonly parts: SubscriptionParts,
  ) {
    const { group, consumer, guards = [], onDisowned = () => undefined } = options;
    const { database, events } = parts;
    this.group = group;
    this.consumer = consumer;
    this.guards = guards;
    this.keeper = new GroupKeeper({ ...options, ...parts, names: [...new Set(options.streams)] });
    this.reader = new Reader({
      ...{ database, events, onDisowned, holder: this, keeper: this.keeper, held: this.held },
      crashes: new CrashWatch(events, group),
      times: lookTimes(options),
      watches: (stream) => this.watched?.has(stream) ?? true,
    });
    this.handed = new HandedEntries({
      ...{ ...parts, holder: this },
      // Under guards there is one reader, and nothing is handed over.
      readings: () => (guards.length > 0 ? [] : this.keeper.readings),
      fetch: (most) => this.reader.readHanded(most),
      onHint: () => this.wakeUp.wake(),
    });
    this.beginning = new BeginBatch((leases) => beginLeases(database, events, leases));
  }

  /** @throws where a group cannot be found or created */
  async open(): Promise<void> {
    await this.keeper.open();
    // From now on the group has a consumer, and counts as one that reads.
    await this.reader.noteSeen();
    const isRead = (number: number): boolean =>
      this.keeper.readings.some((reading) => reading.number === number);
    this.deaf = onMessages(this.parts.listener, isRead, () => this.wakeUp.wake());
    this.armLook();
  }

  async pull(limit: number): Promise<Lease[]> {
    if (this.pulling) throw new Error('A pull is under way: await it before the next one.');
    this.pulling = true;
    try {
      await this.looking;
      const handed = this.stopped ? [] : this.handed.take(limit);
      if (handed.length > 0) return handed;
      return await this.pullWithin(limit, systemClock.now() + this.options.blockTimeout);
    } finally {
      this.pulling = false;
    }
  }

  takeHanded(limit: number): Lease[] {
    if (this.stopped || this.guards.length > 0) return [];
    const leases = this.handed.take(limit);
    if (leases.length === 0 && this.handed.isDue) this.beside(() => this.handed.fetch(limit));
    return leases;
  }

  async begin(lease: Lease): Promise<BeginOutcome> {
    return this.beginning.begin(lease as PostgresLease);
  }

  async extend(leases: readonly Lease[]): Promise<ExtendOutcome[]> {
    if (leases.length === 0) return [];
    const { database, events } = this.parts;
    // While it settles what it holds, it is alive.
    if (this.stopped) this.beside(() => this.reader.noteSeen());
    return extendLeases(database, events, leases as readonly PostgresLease[]);
  }

  forget(lease: Lease, left = false): void {
    if (left) this.held.leave(lease as PostgresLease);
    else this.held.remove(lease as PostgresLease);
  }

  watch(streams: ReadonlySet<string>): void {
    this.watched = streams;
    this.wakeUp.wake();
    void this.handed.giveBack((stream) => !streams.has(stream));
  }

  trouble(): ReadTrouble {
    const { answers, options } = this;
    return troubleOf(options.streams.map((stream) => ({ stream, answers: [answers] })));
  }

  settled(leases: readonly PostgresLease[]): void {
    for (const lease of leases) this.held.remove(lease);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    systemClock.clearTimeout(this.timer);
    this.deaf?.();
    this.handed.stop();
    this.wakeUp.wake();
  }

  async close(): Promise<void> {
    await this.stop();
    await this.looking;
    const given = this.handed.giveBack(() => true);
    await within(systemClock, LAST_WORD, given);
    this.held.clear();
    this.parts.onClosed(this);
  }

  private async pullWithin(limit: number, end: number): Promise<Lease[]> {
    do {
      const woken = await this.wakeUp.wait(Math.min(this.readAt, end) - systemClock.now());
      if (this.stopped) break;
      if (!woken && systemClock.now() < this.readAt) continue;
      const leases = await this.readSafely(limit);
      if (leases.length > 0) {
        this.readAt = 0;
        return leases;
      }
      const pause = this.answers.isWaiting ? this.backoff.next() : this.parts.listener.pollInterval;
      this.readAt = systemClock.now() + pause;
    } while (!this.stopped && systemClock.now() < end);
    return [];
  }

  private async readSafely(limit: number): Promise<PostgresLease[]> {
    try {
      if (this.keeper.lacks) this.restoreGroups();
      this.answers.asked();
      const leases = await this.reader.read(limit);
      this.answers.answered();
      this.toldOf = undefined;
      this.backoff.reset();
      return leases;
    } catch (error) {
      if (error instanceof ClosedError) {
        if (!this.stopped) throw error;
        return [];
      }
      this.failed(error as Error);
      return [];
    }
  }

  /** Looks for missing groups once per polling interval. The others are read meanwhile. */
  private restoreGroups(): void {
    const now = systemClock.now();
    if (now < this.restoreAt) return;
    this.restoreAt = now + this.parts.listener.pollInterval;
    const before = this.keeper.readings.length;
    this.keeper.look().then(
      () => {
        if (this.keeper.readings.length > before) this.wakeUp.wake();
      },
      (error: unknown) => {
        if (!(error instanceof ClosedError)) this.failed(error as Error);
      },
    );
  }

  private failed(error: Error): void {
    this.answers.failed(error);
    this.reader.answerLost();
    if (error instanceof ConnectionError || error.message === this.toldOf) return;
    this.toldOf = error.message;
    this.parts.events.emit('worker-error', { worker: 'reader', error });
  }

  private armLook(): void {
    this.timer = systemClock.setTimeout(() => {
      const isOverdue = this.reader.dueToLook();
      this.wakeUp.wake();
      if (!this.pulling && isOverdue) this.beside(() => this.reader.lookOnly());
      // A listener of an event may have stopped this subscription.
      if (!this.stopped) this.armLook();
    }, this.options.reclaimInterval);
  }

  /** Does something while no `pull` is under way. The next one waits for it. */
  private beside(work: () => Promise<void>): void {
    this.looking ??= work()
      .catch((error: unknown) => {
        if (!(error instanceof ClosedError)) this.failed(error as Error);
      })
      .finally(() => (this.looking = undefined));
  }
}
