import { Backoff } from '../../core/backoff.js';
import type { Clock } from '../../core/clock.js';
import type { Delivery } from '../../core/delivery.js';
import { asError } from '../../core/errors/error-record.js';
import type { DeadLetterRecord } from '../../core/dead-letter-record.js';
import type { EventBus } from '../../core/event-bus.js';
import type { Lease } from '../../core/lease.js';
import type {
  Ack,
  DeadLetterIt,
  Leave,
  Release,
  Retry,
  SettleOutcome,
} from '../../core/settlement.js';
import type { Settle, Settling } from '../../ports/source.js';
import { deadLetterRecord } from './dead-letter-record.js';

/** Settlements that the source has to hear of. */
export type Reported = Ack | Retry | DeadLetterIt | Release | Leave;

type Item = Settling & {
  readonly delivery: Delivery;
  readonly settlement: Reported;
  /** Called when the outcome is known. */
  readonly onConcluded: (() => void) | undefined;
  /** The settlement was tried before: `gone` then means that the earlier try was carried out. */
  retried: boolean;
};

/** A class, because it outlives its run: see docs/decisions/0015. */
class SettlingItem {
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

export interface SettlerOptions {
  readonly settle: Settle;
  /** What a settlement needs beside the source. @default nothing */
  readonly storeOf?: ((settlement: Reported, lease: Lease) => OtherStore | undefined) | undefined;
  readonly clock: Clock;
  readonly events: EventBus;
  /** Called with each settlement, once its outcome is known. */
  readonly onSettled: (delivery: Delivery, settlement: Reported, outcome: SettleOutcome) => void;
  /** Called after each batch. */
  readonly onProgress: () => void;
}

/** A store of its own slot, which may be slow or down while the source is not. */
export type OtherStore = 'dead letter queue' | 'state store' | 'both';

const MOST_AT_ONCE = 1000;

/**
 * Brings settlements to the source, lane by lane: a part of the source, or a store of another slot,
 * that cannot be reached holds up no other lane.
 */
export class Settler {
  /** Number of settlements whose outcome is not known yet. */
  pending = 0;
  private abandoned = false;
  private readonly deciding = new Set<Promise<void>>();
  private readonly lanes = new Map<unknown, Lane>();
  private readonly lanesApart = {
    'dead letter queue': new Map<unknown, Lane>(),
    'state store': new Map<unknown, Lane>(),
    both: new Map<unknown, Lane>(),
  };

  constructor(private readonly options: SettlerOptions) {}

  /** @param record of a dead letter. @default made now */
  add(
    delivery: Delivery,
    settlement: Reported,
    onConcluded?: () => void,
    record?: DeadLetterRecord,
  ): void {
    const item = new SettlingItem(delivery, settlement, onConcluded) as Item;
    const name = item.lease.lane;
    const store = this.options.storeOf?.(settlement, item.lease);
    const lanes = store === undefined ? this.lanes : this.lanesApart[store];
    let lane = lanes.get(name);
    if (!lane) lanes.set(name, (lane = new Lane(this.options, this)));
    if (settlement.kind === 'ack') lane.add(item, settlement.reply !== undefined);
    else if (settlement.kind !== 'dead-letter') lane.add(item, false);
    else {
      const { clock } = this.options;
      record ??= deadLetterRecord(delivery, settlement, clock.wallTime());
      lane.add({ ...item, settlement, record }, false);
    }
  }

  /** Counts a settlement that is being decided, and is added then. */
  await(decided: Promise<void>): void {
    this.pending++;
    const deciding = decided.finally(() => {
      this.pending--;
      this.deciding.delete(deciding);
    });
    this.deciding.add(deciding);
  }

  /** Resolves when everything is settled, including settlements added while waiting. */
  async idle(): Promise<void> {
    // What follows from a settlement of one lane may be settled in another.
    do await Promise.all([...this.deciding, ...this.all().map((lane) => lane.idle())]);
    while (this.pending > 0 && !this.abandoned);
  }

  /**
   * Gives up settlements that could not be carried out: the source hands their entries to another
   * consumer.
   */
  abandon(): void {
    this.abandoned = true;
    for (const lane of this.all()) lane.abandon();
  }

  private all(): Lane[] {
    return [this.lanes, ...Object.values(this.lanesApart)].flatMap((lanes) => [...lanes.values()]);
  }
}

/**
 * While one batch is under way the next one gathers, so acknowledgements coalesce without a timer.
 * A settlement that fails is tried again; its entry does not run again.
 */
class Lane {
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
    private readonly options: SettlerOptions,
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
    const { onSettled, onProgress } = this.options;
    const failed: Item[] = [];
    let concluded = 0;
    let error: Error | undefined;
    for (let index = 0; index < batch.length; index++) {
      const item = batch[index]!;
      const outcome = outcomes[index]!;
      if (typeof outcome === 'string') {
        concluded++;
        const known = outcome === 'gone' && item.retried ? 'settled' : outcome;
        onSettled(item.delivery, item.settlement, known);
        item.onConcluded?.();
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
    this.options.events.emit('worker-error', { worker: 'settler', error });
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
