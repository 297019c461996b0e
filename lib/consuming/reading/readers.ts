import type { Clock } from '../../core/clock.js';
import type { DeliveryState } from '../../core/delivery-state.js';
import type { ReaderActivity, ReaderStatus } from '../../core/reader-status.js';
import { NO_TROUBLE } from '../../core/read-trouble.js';
import type { Subscription } from '../../ports/subscription.js';
import type { ConsumerPlan } from '../plan/plan.js';

/** Whose reading loop it is. */
export interface ReaderOf {
  /** The group, and the streams that the loop reads. */
  readonly plan: Pick<ConsumerPlan, 'group' | 'tables'>;
  readonly consumer: string;
  readonly blockTimeout: number;
  readonly clock: Pick<Clock, 'now'>;
  /** Those of its streams that are paused. */
  readonly halted: ReadonlySet<string>;
  readonly subscription: Pick<Subscription, 'trouble'>;
  /** What its consumer has in hand. */
  readonly held: Iterable<{ readonly state: DeliveryState; readonly overruns: boolean }>;
}

/** What one reading loop does, and since when. */
export class ReaderProgress {
  /** The loop sets these fields itself, because each read does: a call would cost every message. */
  activity: ReaderActivity = 'waiting';
  /** Engine time at which `activity` began, in milliseconds. */
  since: number;
  hasRead = false;
  error: Error | undefined;

  constructor(
    private readonly of: ReaderOf,
    /** The loop has ended. */
    readonly end: () => void,
    /** Called at its first read. */
    private readonly onFirst: () => void,
  ) {
    this.since = of.clock.now();
  }

  /** The first read begins. */
  firstRead(): void {
    this.hasRead = true;
    this.onFirst();
  }

  /** The loop has come round without a read. */
  waits(): void {
    this.error = undefined;
    this.turn('waiting');
  }

  failed(error: Error): void {
    this.error = error;
    if (this.activity !== 'failing') this.turn('failing');
  }

  get status(): ReaderStatus {
    const { plan, consumer, blockTimeout, halted, subscription, held } = this.of;
    const { group, tables } = plan;
    const { since, hasRead, error } = this;
    const activity = halted.size === tables.size ? 'paused' : this.activity;
    const streams = [...tables.keys()];
    const trouble = subscription.trouble?.() ?? NO_TROUBLE;
    let runs = 0;
    for (const { state, overruns } of held) if (state === 'running' && !overruns) runs++;
    return {
      group,
      consumer,
      blockTimeout,
      streams,
      activity,
      since,
      hasRead,
      error,
      trouble,
      runs,
    };
  }

  private turn(activity: ReaderActivity): void {
    this.activity = activity;
    this.since = this.of.clock.now();
  }
}

/** All reading loops of a runtime. */
export class Readers {
  private readonly known = new Set<ReaderProgress>();
  private waiting: (() => void) | undefined;

  /** Follows a reading loop until its `end`. */
  begin(of: ReaderOf): ReaderProgress {
    const end = (): void => {
      this.known.delete(progress);
      this.look();
    };
    const progress: ReaderProgress = new ReaderProgress(of, end, () => this.look());
    this.known.add(progress);
    return progress;
  }

  /**
   * Calls back once: when each loop has begun its first read, or is paused; at once where that is so.
   * @param callback in place of an earlier one. Undefined: there is none any more
   */
  onceAllRead(callback: (() => void) | undefined): void {
    this.waiting = callback;
    this.look();
  }

  private look(): void {
    const { waiting } = this;
    if (!waiting || !this.list().every((one) => one.hasRead || one.activity === 'paused')) return;
    this.waiting = undefined;
    waiting();
  }

  list(): ReaderStatus[] {
    return [...this.known].map(({ status }) => status);
  }
}
