import { systemClock, type TimerHandle } from '../../../core/clock.js';
import { ConnectionError } from '../../../core/errors/connection.errors.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../../../core/lease.js';
import type { SubscribeOptions, Subscription } from '../../../ports/subscription.js';
import type { ReadTrouble } from '../../../core/read-trouble.js';
import { troubleOf } from '../../connections/read-answers.js';
import { ToldErrors } from '../../connections/told-errors.js';
import { WakeUp } from '../../connections/wake-up.js';
import type { KafkaLease } from '../partitions/kafka.lease.js';
import { beginLease, extendLeases } from '../settling/leases.js';
import { Drains } from './drains.js';
import { HandOut } from './hand-out.js';
import type { PartitionReading } from './partition-reading.js';
import type { TopicReader } from './read-topic.js';
import { StreamReadings, type StreamReadingsParts } from './stream-readings.js';
import type { TopicReading } from './topic-reading.js';

/** Interval at which streams are looked for that are missing, in milliseconds. */
const LOOK_FOR_MISSING = 500;
/** Longest wait of `close` for the last commit, in milliseconds. */
const LAST_WORD = 2000;

export interface SubscriptionParts extends StreamReadingsParts {
  readonly onClosed: (closed: KafkaSubscription) => void;
}

/** The reader of one consumer: a member of a Kafka group for each of its streams. */
export class KafkaSubscription implements Subscription, TopicReader {
  readonly group: string;
  readonly consumer: string;
  readonly sessionTimeout: number;
  readonly drains: Drains;
  private readonly readings: StreamReadings;
  private readonly wakeUp = new WakeUp();
  /** Undefined: all streams. */
  private watched: ReadonlySet<string> | undefined;
  private readonly handOut = new HandOut();
  private pulling = false;
  private stopped = false;
  private closed: Promise<void> | undefined;
  private ticking: TimerHandle;
  private looking: TimerHandle;
  private deaf: (() => void) | undefined;
  private readonly told = new ToldErrors();

  constructor(
    private readonly options: SubscribeOptions,
    private readonly parts: SubscriptionParts,
  ) {
    this.group = options.group;
    this.consumer = options.consumer;
    this.drains = new Drains(options.rebalancing, (isOf) => this.giveBack(isOf));
    this.sessionTimeout = parts.options.sessionTimeout ?? options.idleTimeout;
    this.readings = new StreamReadings(options, parts, this);
  }

  /** @throws where a group is missing and is not to be made, and where it cannot be joined */
  async open(): Promise<void> {
    await this.readings.open();
    if (this.stopped) return;
    this.deaf = this.parts.marks.onChange(async (group) => {
      if (group === this.group) await this.look();
    });
    this.tick();
    this.lookForMissing();
  }

  async pull(limit: number): Promise<Lease[]> {
    if (this.pulling) throw new Error('A pull is under way: await it before the next one.');
    this.pulling = true;
    try {
      return await this.pullUntil(limit, systemClock.now() + this.options.blockTimeout);
    } finally {
      this.pulling = false;
    }
  }

  begin(lease: Lease): Promise<BeginOutcome> {
    return beginLease(lease as KafkaLease);
  }

  async extend(leases: readonly Lease[]): Promise<ExtendOutcome[]> {
    return extendLeases(leases as readonly KafkaLease[]);
  }

  forget(lease: Lease): void {
    const own = lease as KafkaLease;
    own.state.forget(own);
  }

  trouble(): ReadTrouble {
    return troubleOf(
      this.readings.all.map(({ read, answers }) => ({ stream: read.stream, answers })),
    );
  }

  watch(streams: ReadonlySet<string>): void {
    this.watched = streams;
    for (const reading of this.readings.all) {
      if (!streams.has(reading.read.stream)) reading.dropRead();
    }
    this.wake();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    systemClock.clearTimeout(this.ticking);
    systemClock.clearTimeout(this.looking);
    this.deaf?.();
    this.giveBack(() => true);
    this.readings.stop();
    this.wakeUp.wake();
  }

  close(): Promise<void> {
    this.closed ??= this.end();
    return this.closed;
  }

  /** Sends nothing more and does not leave, as if the process were dead. For tests. */
  silence(): void {
    for (const reading of this.readings.all) reading.silence();
  }

  mayRead(stream: string, reading: Pick<PartitionReading, 'buffer' | 'parkedBytes'>): boolean {
    if (this.watched?.has(stream) === false) return false;
    const { maxBufferedBytes } = this.parts.options;
    let [bytes, parkedBytes] = [0, 0];
    for (const each of this.readings.all) {
      bytes += each.bytes;
      parkedBytes += each.parkedBytes;
    }
    // A partition of which nothing waits must not starve since others have filled the room.
    if (reading.parkedBytes > 0 && parkedBytes >= maxBufferedBytes) return false;
    return bytes < (reading.buffer.size === 0 ? 2 * maxBufferedBytes : maxBufferedBytes);
  }

  get room(): number {
    return this.parts.options.maxBufferedBytes / this.readings.count;
  }

  giveBack(isOf: (lease: KafkaLease) => boolean): void {
    this.handOut.giveBack(isOf);
  }

  wake(): void {
    this.wakeUp.wake();
  }

  failed(error: Error): void {
    if (error instanceof ConnectionError || this.stopped || !this.told.isNew(error)) return;
    this.parts.events.emit('worker-error', { worker: 'reader', error });
  }

  private async pullUntil(limit: number, end: number): Promise<Lease[]> {
    for (;;) {
      if (this.stopped) return [];
      const readings = this.readings.all.filter(
        ({ read }) => this.watched?.has(read.stream) ?? true,
      );
      if (this.handOut.take(readings, limit)) {
        const leases = await this.handOut.announced(limit, end);
        if (this.stopped) continue;
        if (leases === undefined || leases.length > 0) return leases ?? [];
      } else {
        const now = systemClock.now();
        if (now >= end) return [];
        await this.wakeUp.wait(Math.min(end - now, untilDue(readings)));
      }
    }
  }

  private async end(): Promise<void> {
    await this.stop();
    await this.readings.close(LAST_WORD);
    this.parts.onClosed(this);
  }

  private tick(): void {
    this.ticking = systemClock.setTimeout(() => {
      void this.look().then(() => {
        // A listener of an event may have stopped this subscription.
        if (!this.stopped) this.tick();
      });
    }, this.options.reclaimInterval);
  }

  /** Looks at what may have changed. Never rejects. */
  private async look(): Promise<void> {
    try {
      await this.readings.lookAtMarks();
      await this.readings.findRetries();
      await this.readings.lookForMissing();
    } catch (error) {
      this.failed(error as Error);
    }
  }

  private lookForMissing(): void {
    this.looking = systemClock.setTimeout(() => {
      void this.readings
        .lookForMissing()
        .catch((error: unknown) => this.failed(error as Error))
        .then(() => {
          if (!this.stopped) this.lookForMissing();
        });
    }, LOOK_FOR_MISSING);
  }
}

/** How long until a message of these is due that waits, in milliseconds. */
function untilDue(readings: readonly TopicReading[]): number {
  let due = Infinity;
  for (const reading of readings) due = Math.min(due, reading.nextDue);
  return Math.max(1, due - systemClock.wallTime());
}
