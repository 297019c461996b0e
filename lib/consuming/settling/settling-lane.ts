import { Backoff } from '../../core/backoff.js';
import type { Clock } from '../../core/clock.js';
import type { Delivery } from '../../core/delivery.js';
import { asError } from '../../core/errors/error-record.js';
import { isPermanent } from '../../core/errors/streams.error.js';
import type { EventBus } from '../../core/event-bus.js';
import type { Lease } from '../../core/lease.js';
import type {
  Ack,
  DeadLetterIt,
  Leave,
  Release,
  Retry,
  Settlement,
  SettleOutcome,
} from '../../core/settlement.js';
import type { Settle, Settling } from '../../ports/source.js';

/** Settlements that the source has to hear of. */
export type Reported = Ack | Retry | DeadLetterIt | Release | Leave;

/** A settlement on its way to the source. */
export type Item = Settling & {
  readonly delivery: Delivery;
  readonly settlement: Reported;
  /** Called when the outcome is known. */
  readonly onConcluded: (() => void) | undefined;
  /** The settlement was tried before: `gone` then means that the earlier try was carried out. */
  retried: boolean;
};

/** A class, because it outlives its run: see docs/decisions/0015. */
export class SettlingItem {
  declare readonly lease: Lease;
  declare readonly delivery: Delivery;
  declare readonly settlement: Reported;
  declare readonly onConcluded: (() => void) | undefined;
  declare retried: boolean;

  constructor(delivery: Delivery, settlement: Reported, onConcluded: (() => void) | undefined) {
    this.lease = delivery.lease;
    this.delivery = delivery;
    this.settlement = settlement;
    this.onConcluded = onConcluded;
    this.retried = false;
  }
}

/** What became of a settlement, once no other one has to follow. */
export type KnownOutcome = Exclude<SettleOutcome, 'unheld'>;

export interface LaneOptions {
  readonly settle: Settle;
  readonly clock: Clock;
  readonly events: EventBus;
  /** Called with each settlement, once its outcome is known. */
  readonly onSettled: (delivery: Delivery, settlement: Reported, outcome: KnownOutcome) => void;
  /** Called with a dead letter that cannot be held. It has no outcome yet. */
  readonly onUnheld: (item: Item) => void;
  /** Called with an acknowledgement whose messages can never be published. It has no outcome yet. */
  readonly onRefused: (item: Item, error: Error) => void;
  /** Called after each batch. */
  readonly onProgress: () => void;
}

const MOST_AT_ONCE = 1000;

/**
 * While one batch is under way the next one gathers, so acknowledgements coalesce without a timer.
 * A settlement that fails is tried again, unless its messages can never be published; its entry does
 * not run again.
 */
export class Lane {
  pending = 0;
  private queue: Item[] = [];
  /** Settlements with answers to requests. */
  private readonly answers: Item[] = [];
  private readonly backoff = new Backoff(100, 5000);
  private flushing = false;
  /** The last batch, or a part of it, could not be settled. */
  private failing = false;
  private abandoned = false;
  private idleWaiters: (() => void)[] = [];

  constructor(
    private readonly options: LaneOptions,
    private readonly all: { pending: number },
  ) {}

  add(item: Item, isAnswer: boolean): void {
    this.pending++;
    this.all.pending++;
    if (isAnswer) return this.answer(item);
    this.queue.push(item);
    if (!this.flushing) this.schedule();
  }

  async idle(): Promise<void> {
    while (this.pending > 0 && !this.abandoned)
      await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
  }

  abandon(): void {
    this.abandoned = true;
    this.ended(this.queue.length + this.answers.length);
    this.queue = [];
    this.answers.length = 0;
  }

  /**
   * A caller waits for the answer. So it goes out with others of this turn, before the next read is
   * written, and behind no other batch.
   */
  private answer(item: Item): void {
    if (this.answers.length === 0)
      process.nextTick(() => void this.carryOut(this.answers.splice(0)));
    this.answers.push(item);
  }

  private schedule(): void {
    this.flushing = true;
    setImmediate(() => void this.flush());
  }

  private async flush(): Promise<void> {
    while (this.queue.length > 0) await this.carryOut(this.queue.splice(0, MOST_AT_ONCE));
    this.flushing = false;
  }

  private async carryOut(batch: readonly Item[]): Promise<void> {
    let outcomes: readonly (SettleOutcome | Error)[];
    try {
      outcomes = await this.options.settle(batch);
    } catch (error) {
      outcomes = batch.map(() => asError(error));
    }
    this.conclude(batch, outcomes);
  }

  private conclude(batch: readonly Item[], outcomes: readonly (SettleOutcome | Error)[]): void {
    const { onSettled, onUnheld, onRefused, onProgress } = this.options;
    const failed: Item[] = [];
    let concluded = 0;
    let error: Error | undefined;
    for (let index = 0; index < batch.length; index++) {
      const item = batch[index]!;
      const outcome = outcomes[index]!;
      if (outcome === 'unheld') {
        concluded++;
        onUnheld(item);
      } else if (typeof outcome === 'string') {
        concluded++;
        const known = outcome === 'gone' && item.retried ? 'settled' : outcome;
        onSettled(item.delivery, item.settlement, known);
        item.onConcluded?.();
      } else if (mayBeRefused(item.settlement) && isPermanent(outcome)) {
        concluded++;
        onRefused(item, outcome);
      } else {
        error = asError(outcome);
        item.retried = true;
        failed.push(item);
      }
    }
    if (error) this.tryAgain(failed, error);
    else if (this.failing) this.recovered();
    this.ended(concluded);
    onProgress();
  }

  private recovered(): void {
    this.failing = false;
    this.backoff.reset();
  }

  private tryAgain(failed: readonly Item[], error: Error): void {
    this.failing = true;
    const { delivery } = failed.at(-1)!;
    const { stream, group, id, handler } = delivery;
    const settling = { stream, group, id, handler: handler?.name };
    this.options.events.emit('worker-error', { worker: 'settler', error, settling });
    const again = (): void => {
      if (this.abandoned) return this.ended(failed.length);
      this.queue.push(...failed);
      if (!this.flushing) this.schedule();
    };
    if (this.abandoned) again();
    else this.options.clock.setTimeout(again, this.backoff.next());
  }

  private ended(settlements: number): void {
    this.pending -= settlements;
    this.all.pending -= settlements;
    if ((this.pending === 0 || this.abandoned) && this.idleWaiters.length > 0)
      for (const wake of this.idleWaiters.splice(0)) wake();
  }
}

/**
 * Whether messages are published with this settlement. Those that follow a step may be known only while
 * it is being settled: a join.
 */
export const mayBeRefused = (settlement: Settlement): boolean =>
  settlement.kind === 'ack' && (settlement.publish !== undefined || settlement.step !== undefined);
