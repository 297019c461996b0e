import { ReadAnswers } from '../../../connections/read-answers.js';
import type { Redis } from 'ioredis';
import { Backoff } from '../../../../core/backoff.js';
import { sleep, systemClock } from '../../../../core/clock.js';
import { RedisConnectionError } from '../../errors/redis-connection.errors.js';
import type { Guard } from '../../../../core/guard.js';
import type { HeldStream } from '../../../../core/held-stream.js';
import type { BeginOutcome } from '../../../../core/lease.js';
import type { SettleOutcome } from '../../../../core/settlement.js';
import { EntryInHand, type OwnedStreamReading } from '../../../../ports/owned-readings.js';
import { releaseLease } from '../../held-entries/leasing.js';
import type { EntryHolder, RedisLease } from '../../held-entries/redis.lease.js';
import { isGroupMissing } from '../../errors/reply-errors.js';
import { OwnedSupply, type OwnedSupplyOptions } from './owned-supply.js';

/** Guards that do not hold are tried again after this time, in milliseconds. */
const REFUSED = 100;

export interface ReadingOptions extends Omit<
  OwnedSupplyOptions,
  'answers' | 'owned' | 'holder' | 'guards'
> {
  readonly consumer: string;
  readonly runsWithin: number;
  readonly handOut: (lease: RedisLease) => void;
  readonly onFinished: (held: HeldStream, completed: boolean) => void;
}

/** Hands out the entries of one owned stream, one after the other. */
export class OwnedReading implements EntryHolder, OwnedStreamReading {
  private readonly supply: OwnedSupply;
  private readonly backoff = new Backoff();
  private readonly ending = new AbortController();
  readonly answers = new ReadAnswers();
  private queue: RedisLease[] = [];
  private readonly inHand = new EntryInHand<RedisLease>(() => this.advance());
  private filling: Promise<void> | undefined;
  private beginning: Promise<unknown> | undefined;
  /** The stream was completed together with its last entry. */
  private completed = false;
  /** Leases read behind the last entry of a finished stream. */
  private behind: RedisLease[] = [];

  constructor(
    readonly owned: HeldStream,
    readonly guards: readonly Guard[],
    private readonly options: ReadingOptions,
  ) {
    const { answers } = this;
    this.supply = new OwnedSupply({ ...options, answers, owned, guards, holder: this });
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
    return this.supply.redriveSource.key;
  }

  start(): void {
    this.filling = this.fill(() => this.supply.prepare()).finally(() => this.advance());
  }

  /** Dead letters of the stream were redriven. */
  redriven(): void {
    if (!this.ended) this.supply.redriven();
  }

  /** Asks the server to count a run. An entry that is let go of meanwhile waits for the answer. */
  async begin(ask: () => Promise<BeginOutcome>): Promise<BeginOutcome> {
    if (this.ended) return 'lost';
    const asking = ask();
    this.beginning = asking.catch(() => undefined);
    return asking;
  }

  /** Acknowledges the last entry together with the completion of its stream, where one step can. */
  async finish(client: Redis, lease: RedisLease): Promise<SettleOutcome | undefined> {
    if (!lease.finishing) return undefined;
    const last = { key: this.supply.source.key, group: this.group, last: lease.entryId };
    const word = await this.options.locks.completeWith(client, this.owned, last);
    if (word === 'settled') this.completed = true;
    // Another program announced the stream anew: the guards decide what becomes of the entry.
    return word === 'gone' || word === 'unsettled' ? undefined : word;
  }

  settled(leases: readonly RedisLease[]): void {
    for (const lease of leases) this.settledOne(lease);
  }

  private settledOne(lease: RedisLease): void {
    if (!lease.finishing) return this.inHand.putDown(lease);
    this.owned.finishing = true;
    this.behind.push(...this.queue.splice(0));
    if (this.completed) this.end();
    this.inHand.putDown(lease);
    if (this.completed) this.options.onFinished(this.owned, true);
  }

  /** The entry runs again later. No other entry of this stream runs before. */
  parked(lease: RedisLease): void {
    this.inHand.parked(lease);
  }

  /**
   * This consumer has not settled the entry, and will not: the entry was left pending by policy, or
   * lost.
   */
  forgotten(lease: RedisLease, left: boolean): void {
    // Where only the lock had expired, the entry is still pending to this consumer, and comes
    // before all others.
    if (!left && lease.redriven) this.redriven();
    if (left) this.supply.leave(lease);
    else this.supply.again(lease, this.queue.splice(0));
    this.inHand.putDown(lease);
  }

  /** Whether a message that has run waits to run again. */
  get awaitsRetry(): boolean {
    return this.inHand.awaitsRetry;
  }

  /** Hands out nothing more. Resolves once nothing runs. */
  async letGo(): Promise<void> {
    this.end();
    await this.filling;
    const waiting = [...this.queue.splice(0), ...this.behind.splice(0)];
    // The next owner takes the entries in any case. Giving them back takes back the counted run.
    await Promise.all(
      waiting.map((lease) => releaseLease(this.options.commands, lease).catch(() => undefined)),
    );
    await this.beginning;
    await this.inHand.untilRest();
  }

  /** Hands out nothing more, and loses what was handed out. */
  end(): void {
    this.ending.abort();
    this.supply.end();
  }

  /** Called when nothing runs any more, or when the caller has stopped waiting for that. */
  rest(): void {
    this.inHand.rest();
  }

  private advance(): void {
    if (this.ended || this.inHand.lease || this.filling) return;
    const lease = this.queue.shift();
    this.inHand.lease = lease;
    if (lease) {
      this.supply.begun(lease);
      this.options.handOut(lease);
    } else this.filling = this.fill(() => this.more()).finally(() => this.advance());
  }

  /** Waits out an obstacle, with backoff. `advance` tries again. */
  private async fill(step: () => Promise<void>): Promise<void> {
    try {
      await step();
      this.backoff.reset();
    } catch (error) {
      if (this.ended) return;
      const { events, group, consumer } = this.options;
      const { stream } = this.owned;
      // The connection reports an outage itself, once for all streams.
      if (!(error instanceof RedisConnectionError)) {
        this.answers.refused(error as Error);
        events.emit('stream-unreadable', { stream, group, consumer, error: error as Error });
      }
      await sleep(systemClock, this.backoff.next(), this.ending.signal);
      const cause = (error as Error).cause ?? error;
      if (isGroupMissing(cause)) await this.supply.restore().catch(() => undefined);
    } finally {
      this.filling = undefined;
    }
  }

  private async more(): Promise<void> {
    if (this.owned.finishing) return this.finishOthers();
    const leases = await this.supply.next();
    // The lock has expired. The next heartbeat takes it again, or reports that it is lost.
    if (!leases) return sleep(systemClock, REFUSED, this.ending.signal);
    this.queue.push(...leases);
  }

  /** Runs what other consumers have begun of a finished stream, then completes it. */
  private async finishOthers(): Promise<void> {
    const leases = await this.supply.nextOfOthers();
    if (!leases) return sleep(systemClock, REFUSED, this.ending.signal);
    this.queue.push(...leases);
    if (leases.length > 0 || this.ended) return;
    this.end();
    this.options.onFinished(this.owned, false);
  }
}
