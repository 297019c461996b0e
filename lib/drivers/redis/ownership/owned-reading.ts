import type { Redis } from 'ioredis';
import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import { RedisConnectionError } from '../errors/redis-connection.errors.js';
import type { EventBus } from '../../../core/events.js';
import type { Guard } from '../../../core/guard.js';
import type { HeldStream } from '../../../core/held-stream.js';
import type { BeginOutcome } from '../../../core/lease.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { Commands } from '../connection/commands.js';
import type { EntrySizes } from '../leases/entry-sizes.js';
import { GroupKeeper } from '../groups/group-keeper.js';
import type { Keys } from '../keys/keys.js';
import { releaseLease } from '../leases/leasing.js';
import type { EntryHolder, ReadKey, RedisLease } from '../leases/redis.lease.js';
import { isGroupMissing } from '../errors/reply-errors.js';
import { OwnedEntries } from './owned-entries.js';
import type { RedisStreamLocks } from './redis.stream-locks.js';
import type { StreamWatch } from './idle-watch.js';

/**
 * A newer version of redis-stream-client-go looks at the lock, and then acknowledges the input. Where it
 * has looked before this consumer took the stream, it acknowledges a moment later. In this time nothing is
 * read ahead, as what was read ahead begins without asking the server, ms.
 */
const ONE_BY_ONE = 300;
/** Where the guards do not hold, they are tried again after so long, ms. */
const REFUSED = 100;

export interface ReadingOptions {
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
  readonly watch: StreamWatch;
  readonly group: string;
  readonly consumer: string;
  readonly startId: string;
  readonly runsWithin: number;
  readonly locks: RedisStreamLocks;
  /** Most entries of one read. */
  readonly atOnce: () => number;
  readonly sizes: EntrySizes;
  readonly handOut: (lease: RedisLease) => void;
  readonly onFinished: (held: HeldStream, completed: boolean) => void;
}

/** The entries of one stream that is owned, one after the other. */
export class OwnedReading implements EntryHolder {
  private readonly source: ReadKey;
  private readonly keeper: GroupKeeper;
  private readonly entries: OwnedEntries;
  /** What was redriven, once something was. In no order with the others. */
  private backlog: OwnedEntries | undefined;
  /** There is something in it, maybe. */
  private hasBacklog = false;
  private readonly backoff = new Backoff();
  private readonly takenAt = systemClock.now();
  private readonly ending = new AbortController();
  private queue: RedisLease[] = [];
  /** Handed out and not settled. */
  private inHand: RedisLease | undefined;
  private filling: Promise<void> | undefined;
  private beginning: Promise<unknown> | undefined;
  private onIdleEnd: (() => void) | undefined;
  private resting: (() => void)[] = [];
  /** The stream was completed together with its last entry. */
  private completed = false;
  /** Read behind the last entry of a stream that is finished. */
  private behind: RedisLease[] = [];

  constructor(
    readonly owned: HeldStream,
    readonly guards: readonly Guard[],
    private readonly options: ReadingOptions,
  ) {
    const { keys } = options;
    this.source = { key: keys.stream(owned.stream), stream: owned.stream, redriven: false };
    this.keeper = new GroupKeeper(options);
    this.entries = this.entriesOf(this.source);
  }

  get group(): string {
    return this.options.group;
  }

  get consumer(): string {
    return this.options.consumer;
  }

  get runsWithin(): number {
    return this.options.runsWithin;
  }

  get ended(): boolean {
    return this.ending.signal.aborted;
  }

  get redriveKey(): string {
    return this.options.keys.redrive(this.owned.stream, this.group);
  }

  start(): void {
    this.filling = this.fill(() => this.prepare()).finally(() => this.advance());
  }

  /** Dead letters were handed back. */
  redriven(): void {
    if (this.ended) return;
    // Kept: it knows what it has handed out, and was left.
    this.backlog ??= this.entriesOf(this.redriveSource);
    this.hasBacklog = true;
    this.onIdleEnd?.();
  }

  /** Asks the server to count a run. What is let go of meanwhile waits for its answer. */
  async begin(ask: () => Promise<BeginOutcome>): Promise<BeginOutcome> {
    if (this.ended) return 'lost';
    const asking = ask();
    this.beginning = asking.catch(() => undefined);
    return asking;
  }

  /** The last entry is acknowledged together with the completion of its stream, where one step can. */
  async finish(client: Redis, lease: RedisLease): Promise<SettleOutcome | undefined> {
    if (!lease.finishing) return undefined;
    const last = { key: this.source.key, group: this.group, last: lease.entryId };
    const word = await this.options.locks.completeWith(client, this.owned, last);
    if (word === 'settled') this.completed = true;
    // Announced anew by others: the guards say what becomes of the entry.
    return word === 'gone' || word === 'unsettled' ? undefined : word;
  }

  settled(leases: readonly RedisLease[]): void {
    for (const lease of leases) this.settledOne(lease);
  }

  private settledOne(lease: RedisLease): void {
    if (!lease.finishing) return this.putDown(lease);
    this.owned.finishing = true;
    this.behind.push(...this.queue.splice(0));
    if (this.completed) this.end();
    this.putDown(lease);
    if (this.completed) this.options.onFinished(this.owned, true);
  }

  /** It runs again later. Nothing else of this stream does before. */
  parked(lease: RedisLease): void {
    lease.finishing = false;
    if (this.inHand === lease && !this.outlived(lease, () => this.parked(lease))) this.rest();
  }

  /** It was not settled by us, and will not be: left pending, as was asked for, or lost. */
  forgotten(lease: RedisLease, left: boolean): void {
    // Where the lock had only expired, it is pending to us yet, and comes before all others.
    if (!left && lease.redriven) this.redriven();
    const entries = lease.redriven ? this.backlog : this.entries;
    if (left) entries?.leave(lease);
    else entries?.again(this.queue.splice(0));
    this.putDown(lease);
  }

  /** A message that has run waits to run again. */
  get awaitsRetry(): boolean {
    const { inHand } = this;
    return inHand !== undefined && !inHand.charged && inHand.attempt > 0;
  }

  /** Nothing more is handed out; resolves once nothing runs. */
  async letGo(): Promise<void> {
    this.end();
    await this.filling;
    const waiting = [...this.queue.splice(0), ...this.behind.splice(0)];
    // The next owner takes them anyway: given back they have lost no run.
    await Promise.all(
      waiting.map((lease) => releaseLease(this.options.commands, lease).catch(() => undefined)),
    );
    await this.beginning;
    const { inHand } = this;
    if (inHand?.charged || inHand?.overrun)
      await new Promise<void>((resolve) => this.resting.push(resolve));
  }

  /** Nothing more is handed out, and what was is lost. */
  end(): void {
    this.ending.abort();
    this.options.watch.remove(this.source.key);
    this.onIdleEnd?.();
  }

  /** Nothing runs any more, or nobody waits for that any more. */
  rest(): void {
    for (const resolve of this.resting.splice(0)) resolve();
  }

  private putDown(lease: RedisLease): void {
    if (this.inHand !== lease || this.outlived(lease, () => this.putDown(lease))) return;
    this.inHand = undefined;
    this.rest();
    this.advance();
  }

  /** A method that has outlived its timeout runs yet: nothing else of its stream does meanwhile. */
  private outlived({ overrun }: RedisLease, then: () => void): boolean {
    void overrun?.then(then);
    return overrun !== undefined;
  }

  private advance(): void {
    if (this.ended || this.inHand || this.filling) return;
    this.inHand = this.queue.shift();
    if (this.inHand) {
      if (!this.inHand.redriven) this.entries.begun(this.inHand);
      this.options.handOut(this.inHand);
    } else this.filling = this.fill(() => this.more()).finally(() => this.advance());
  }

  /** An obstacle is waited out, with backoff; `advance` tries again. */
  private async fill(step: () => Promise<void>): Promise<void> {
    try {
      await step();
      this.backoff.reset();
    } catch (error) {
      if (this.ended) return;
      const { events, group } = this.options;
      const { stream } = this.owned;
      // An outage announces itself, once for all streams.
      if (!(error instanceof RedisConnectionError)) {
        events.emit('stream-unreadable', { stream, group, error: error as Error });
      }
      await sleep(systemClock, this.backoff.next(), this.ending.signal);
      const cause = (error as Error).cause ?? error;
      if (isGroupMissing(cause)) await this.keeper.ensure(this.source).catch(() => undefined);
    } finally {
      this.filling = undefined;
    }
  }

  private async prepare(): Promise<void> {
    await this.keeper.ensure(this.source);
    if (await this.keeper.ensureRedriven(this.redriveSource)) this.redriven();
  }

  private async more(): Promise<void> {
    if (this.owned.finishing) return this.finishOthers();
    const { watch } = this.options;
    const backlog = this.hasBacklog ? this.backlog : undefined;
    if (backlog && !(await this.keeper.ensureRedriven(this.redriveSource))) {
      return void (this.hasBacklog = false);
    }
    const found = await (backlog ?? this.entries).next();
    // The lock has expired: it is taken anew by the next heartbeat, which else says that it is lost.
    if (!found) return sleep(systemClock, REFUSED, this.ending.signal);
    this.queue.push(...found.leases);
    const { after } = found;
    if (after === undefined || this.ended) return;
    if (backlog) return void (this.hasBacklog = false);
    // It was told of while the others were read.
    if (this.hasBacklog) return;
    await new Promise<void>((resolve) => {
      this.onIdleEnd = resolve;
      watch.add(this.source.key, after, resolve);
    });
    watch.remove(this.source.key);
  }

  /** Of a stream that is finished: what other consumers have begun is run, then it is completed. */
  private async finishOthers(): Promise<void> {
    const found = await this.entries.nextOfOthers();
    if (!found) return sleep(systemClock, REFUSED, this.ending.signal);
    this.queue.push(...found.leases);
    if (found.leases.length > 0 || this.ended) return;
    this.end();
    this.options.onFinished(this.owned, false);
  }

  private get redriveSource(): ReadKey {
    return { key: this.redriveKey, stream: this.owned.stream, redriven: true };
  }

  private entriesOf(source: ReadKey): OwnedEntries {
    const { guards, options } = this;
    const confirm = (): Promise<boolean> => options.locks.confirm(this.owned);
    const readAhead = (): number =>
      systemClock.now() - this.takenAt < ONE_BY_ONE ? 1 : options.atOnce();
    return new OwnedEntries({ ...options, guards, holder: this, source, readAhead, confirm });
  }
}
