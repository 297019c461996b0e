import { asError } from '../../core/errors/error-record.js';
import { sleep, type Clock } from '../../core/clock.js';
import type { EventBus } from '../../core/event-bus.js';
import type { Lease } from '../../core/lease.js';
import type { Subscription } from '../../ports/subscription.js';
import type { ReadAhead } from './read-ahead.js';
import type { ReaderProgress } from './readers.js';

const WAIT_AFTER_ERROR = 1000;
/** How often the consumer looks for handed entries while reading is paused, in milliseconds. */
const LOOK_FOR_HANDED = 50;

export interface PullLoopOptions {
  readonly subscription: Subscription;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly readAhead: ReadAhead;
  /** Told of each step of the loop. */
  readonly progress: ReaderProgress;
  /** Most entries that one pull asks for. */
  readonly batchSize: number;
  /** Number of entries that could be taken now. Zero or less: none. */
  readonly capacity: () => number;
  /**
   * Number of entries that could be taken of those that other consumers have handed over, where
   * `capacity` is zero.
   */
  readonly capacityForHanded: () => number;
  /** Where this returns a promise, the next entries are requested after it. */
  readonly accept: (leases: readonly Lease[]) => Promise<void> | undefined;
}

/**
 * Entries that were just handed out start before the next request is written: they have waited
 * longer.
 */
const handlersFirst = (resolve: () => void): void => process.nextTick(resolve);

/**
 * The reading loop. Requests at most as many entries as there is room for, and requests the next
 * ones while the last ones are handled.
 */
export class PullLoop {
  private stopping = false;
  private loop: Promise<void> = Promise.resolve();
  private wake: (() => void) | undefined;
  private readonly stopped = new AbortController();
  private ended: Promise<void> | undefined;

  constructor(private readonly options: PullLoopOptions) {}

  start(): void {
    this.loop = this.run().finally(this.options.progress.end);
  }

  /** Call it when there may be new room. */
  capacityFreed(): void {
    if (!this.wake) return;
    const { readAhead, capacity, capacityForHanded } = this.options;
    if (capacity() >= readAhead.worthAsking || capacityForHanded() > 0) this.resume();
  }

  /** Resolves when the entries of the last reply have been accepted. None follow. Idempotent. */
  stop(): Promise<void> {
    this.ended ??= this.end();
    return this.ended;
  }

  private async end(): Promise<void> {
    this.stopping = true;
    this.stopped.abort();
    this.resume();
    await this.options.subscription.stop();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { readAhead, capacity, batchSize } = this.options;
    while (!this.stopping) {
      readAhead.update();
      if (capacity() < readAhead.worthAsking) await this.takeHanded();
      // While entries wait for a slot, the next request goes out at once: its entries arrive as
      // these are handled.
      else if (capacity() > readAhead.size) await new Promise<void>(handlersFirst);
      const limit = Math.min(capacity(), batchSize);
      if (limit >= readAhead.worthAsking) await this.pull(limit);
    }
  }

  private async pull(limit: number): Promise<void> {
    const { progress, subscription, accept, events, clock } = this.options;
    try {
      // A read after a failed one belongs to the same failure.
      if (progress.activity !== 'failing') {
        progress.activity = 'reading';
        progress.since = clock.now();
      }
      if (!progress.hasRead) progress.firstRead();
      const leases = await subscription.pull(limit);
      progress.activity = 'waiting';
      progress.since = clock.now();
      progress.error = undefined;
      const accepted = accept(leases);
      if (accepted) await accepted;
    } catch (thrown) {
      const error = asError(thrown);
      progress.failed(error);
      events.emit('worker-error', { worker: 'fetcher', error });
      await sleep(clock, WAIT_AFTER_ERROR, this.stopped.signal);
    }
  }

  /** Reads nothing new. Takes entries that were handed over, where there is room for them. */
  private async takeHanded(): Promise<void> {
    const { subscription, capacityForHanded, batchSize, accept, clock, progress } = this.options;
    const limit = Math.min(capacityForHanded(), batchSize);
    const leases = limit > 0 ? (subscription.takeHanded?.(limit) ?? []) : [];
    if (leases.length > 0) {
      progress.waits();
      return accept(leases);
    }
    const look = limit > 0 && clock.setTimeout(() => this.resume(), LOOK_FOR_HANDED);
    await this.untilCapacity();
    if (look) clock.clearTimeout(look);
  }

  private untilCapacity(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }

  private resume(): void {
    const wake = this.wake;
    this.wake = undefined;
    wake?.();
  }
}
