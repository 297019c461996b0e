import type { MaxLag } from '../../options/backpressure-options.js';
import type { Clock, TimerHandle } from '../../core/clock.js';
import { BackpressureError } from '../../core/errors/publishing.errors.js';
import { ClosedError } from '../../core/errors/start-up.errors.js';
import { READING_LASTS, type LagGauge, type Slowest } from './lag-gauge.js';

interface Waiting {
  readonly go: () => void;
  readonly fail: (error: Error) => void;
  readonly timer: TimerHandle;
}

export interface LagGateOptions {
  readonly stream: string;
  readonly maxLag: number | MaxLag;
  readonly gauge: LagGauge;
  readonly clock: Clock;
}

/** The queue of publications to one stream with one limit. */
export class LagGate {
  readonly stream: string;
  private readonly limit: number;
  /** In order of arrival. */
  private readonly queue = new Set<Waiting>();
  private entering = 0;
  /** How many publications the last look let go. */
  private burst = 0;
  private slowest: Slowest | undefined;
  private timer: TimerHandle | undefined;
  private closed = false;

  constructor(private readonly options: LagGateOptions) {
    const { stream, maxLag } = options;
    this.stream = stream;
    this.limit = typeof maxLag === 'object' ? maxLag.lag : maxLag;
  }

  get isIdle(): boolean {
    return this.queue.size === 0 && this.entering === 0;
  }

  /** @returns undefined: the publication may pass; otherwise the group that is too far behind */
  async enter(inOrder: boolean): Promise<Slowest | undefined> {
    this.entering++;
    try {
      const slowest = await this.options.gauge.slowest(this.options.maxLag);
      if (this.closed) throw new ClosedError('The producer');
      // A publication that can wait does not overtake those that wait already.
      if (inOrder && this.queue.size > 0) return slowest ?? this.slowest;
      return slowest && slowest.lag > this.limit ? slowest : undefined;
    } finally {
      this.entering--;
    }
  }

  /** Resolves when it is this publication's turn. @throws BackpressureError, ClosedError */
  wait(slowest: Slowest, timeout: number): Promise<void> {
    const { clock } = this.options;
    this.slowest = slowest;
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new ClosedError('The producer'));
      const waiting: Waiting = {
        go: () => this.leave(waiting, resolve),
        fail: (error) => this.leave(waiting, () => reject(error)),
        timer: clock.setTimeout(() => waiting.fail(this.tooSlow()), timeout),
      };
      this.queue.add(waiting);
      this.timer ??= clock.setTimeout(() => void this.look(), READING_LASTS);
    });
  }

  close(): void {
    this.closed = true;
    for (const waiting of this.queue) waiting.fail(new ClosedError('The producer'));
  }

  private leave(waiting: Waiting, then: () => void): void {
    const { clock } = this.options;
    this.queue.delete(waiting);
    clock.clearTimeout(waiting.timer);
    if (this.queue.size === 0) {
      clock.clearTimeout(this.timer);
      this.timer = undefined;
    }
    then();
  }

  private async look(): Promise<void> {
    this.timer = undefined;
    try {
      const slowest = await this.options.gauge.slowest(this.options.maxLag);
      if (slowest) this.slowest = slowest;
      this.release(slowest ? this.limit - slowest.lag + 1 : Infinity);
    } catch (error) {
      for (const waiting of this.queue) waiting.fail(error as Error);
    }
    if (this.queue.size === 0) return;
    this.timer ??= this.options.clock.setTimeout(() => void this.look(), READING_LASTS);
  }

  /**
   * Lets go at most as many publications as the limit has room for. Where consumers have worked off
   * the last ones so soon that there is room again, up to twice as many as the last time.
   */
  private release(capacity: number): void {
    const most = capacity <= 0 ? 0 : Math.max(capacity, 2 * this.burst);
    this.burst = 0;
    for (const waiting of this.queue) {
      if (this.burst >= most) return;
      this.burst++;
      waiting.go();
    }
  }

  private tooSlow(): BackpressureError {
    const { group, lag } = this.slowest!;
    return new BackpressureError(this.stream, group, lag, this.limit);
  }
}
