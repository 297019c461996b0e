import { Backoff } from '../../core/backoff.js';
import type { Clock } from '../../core/clock.js';
import type { DeadLetterRecord } from '../../ports/dead-letters.js';
import type { Delivery } from '../../core/delivery.js';
import { asError, errorRecord } from '../../core/errors/error-record.js';
import { bounded, textOf } from '../../core/errors/text-of.js';
import type { Lease } from '../../core/lease.js';
import { isoTime } from '../../core/message.js';
import type { EventBus } from '../../core/events.js';
import type {
  Ack,
  DeadLetterIt,
  Leave,
  Release,
  Retry,
  SettleOutcome,
} from '../../core/settlement.js';
import type { Settling } from '../../ports/source.js';
import type { Settle } from './elsewhere/bury-apart.js';

/** Settlements that the source has to hear of. */
export type Reported = Ack | Retry | DeadLetterIt | Release | Leave;

type Item = Settling & {
  readonly delivery: Delivery;
  readonly settlement: Reported;
  /** Told when its outcome is known. */
  readonly onConcluded: (() => void) | undefined;
  /** Tried before: `gone` then means that the earlier try was carried out. */
  retried: boolean;
};

/** A class, because it outlives its run: see docs/decisions/0015. */
class SettlingItem {
  readonly lease: Lease;
  retried = false;

  constructor(
    readonly delivery: Delivery,
    readonly settlement: Reported,
    readonly onConcluded: (() => void) | undefined,
  ) {
    this.lease = delivery.lease;
  }
}

/** Whether the handler takes no part in workflows. What has none is nobody's to look on. */
export const looksOn = (settling: Settling): boolean =>
  (settling as Partial<Item>).delivery?.handler?.chains === false;

export interface SettlerOptions {
  readonly settle: Settle;
  readonly clock: Clock;
  readonly events: EventBus;
  /** Told of each settlement, once its outcome is known. */
  readonly onSettled: (delivery: Delivery, settlement: Reported, outcome: SettleOutcome) => void;
}

const MOST_AT_ONCE = 1000;

/** In bytes. */
const LONGEST_REASON = 1024;

/**
 * Brings settlements of one lane to the source. While one batch is under way the next one gathers, so
 * that acks coalesce by themselves; what fails is settled again, never run again.
 */
export class SettlingLane {
  private queue: Item[] = [];
  /** Settlements that answer somebody. */
  private readonly answers: Item[] = [];
  private underWay = 0;
  private readonly backoff = new Backoff(100, 5000);
  private flushing = false;
  private abandoned = false;
  private idleWaiters: (() => void)[] = [];

  constructor(private readonly options: SettlerOptions) {}

  /** Settlements whose outcome is not known yet. */
  get pending(): number {
    return this.queue.length + this.answers.length + this.underWay;
  }

  add(delivery: Delivery, settlement: Reported, onConcluded?: () => void): void {
    const item = new SettlingItem(delivery, settlement, onConcluded) as Item;
    if (settlement.kind === 'ack' && settlement.reply) return this.answer(item);
    this.queue.push(
      settlement.kind === 'dead-letter'
        ? {
            ...item,
            settlement,
            record: recordOf(delivery, settlement, this.options.clock.wallTime()),
          }
        : item,
    );
    this.schedule();
  }

  /** Resolves when everything added so far, and while waiting, is settled. */
  async idle(): Promise<void> {
    while (this.pending > 0 && !this.abandoned)
      await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
  }

  /** Gives up on what could not be settled: the source will hand it to somebody else. */
  abandon(): void {
    this.abandoned = true;
    this.queue = [];
    this.answers.length = 0;
    this.wakeIdle();
  }

  /** Somebody waits: with this turn's others, before the next read is written, after no other batch. */
  private answer(item: Item): void {
    if (this.answers.length === 0)
      process.nextTick(() => void this.carryOut(this.answers.splice(0)));
    this.answers.push(item);
  }

  private schedule(): void {
    if (this.flushing) return;
    this.flushing = true;
    setImmediate(() => void this.flush());
  }

  private async flush(): Promise<void> {
    while (this.queue.length > 0) await this.carryOut(this.queue.splice(0, MOST_AT_ONCE));
    this.flushing = false;
    if (this.pending === 0) this.wakeIdle();
  }

  private async carryOut(batch: readonly Item[]): Promise<void> {
    this.underWay += batch.length;
    const outcomes = await this.settle(batch);
    this.underWay -= batch.length;
    this.conclude(batch, outcomes);
    if (this.pending === 0) this.wakeIdle();
  }

  private async settle(batch: readonly Item[]): Promise<readonly (SettleOutcome | Error)[]> {
    try {
      return await this.options.settle(batch);
    } catch (error) {
      return batch.map(() => asError(error));
    }
  }

  private conclude(batch: readonly Item[], outcomes: readonly (SettleOutcome | Error)[]): void {
    const failed: Item[] = [];
    let error: Error | undefined;
    for (let index = 0; index < batch.length; index++) {
      const item = batch[index]!;
      const outcome = outcomes[index]!;
      if (typeof outcome === 'string') {
        const known = outcome === 'gone' && item.retried ? 'settled' : outcome;
        this.options.onSettled(item.delivery, item.settlement, known);
        item.onConcluded?.();
      } else {
        error = asError(outcome);
        item.retried = true;
        failed.push(item);
      }
    }
    if (error) this.tryAgain(failed, error);
    else this.backoff.reset();
  }

  private tryAgain(failed: readonly Item[], error: Error): void {
    this.options.events.emit('worker-error', { worker: 'settler', error });
    if (this.abandoned) return;
    this.underWay += failed.length;
    this.options.clock.setTimeout(() => {
      this.underWay -= failed.length;
      if (this.abandoned) return;
      this.queue.push(...failed);
      this.schedule();
    }, this.backoff.next());
  }

  private wakeIdle(): void {
    for (const wake of this.idleWaiters.splice(0)) wake();
  }
}

function recordOf(delivery: Delivery, settlement: DeadLetterIt, now: number): DeadLetterRecord {
  const { lease } = delivery;
  return {
    stream: lease.stream,
    id: lease.id,
    group: delivery.group,
    consumer: delivery.consumer,
    attempts: lease.attempt,
    // What the application gave may be anything; what is stored are texts.
    reason: bounded(textOf(settlement.reason), LONGEST_REASON),
    ...(settlement.error && { error: errorRecord(settlement.error) }),
    publishedAt: isoTime(lease.publishedAt),
    deadLetteredAt: isoTime(now),
  };
}
