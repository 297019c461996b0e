import type { Clock, TimerHandle } from '../../core/clock.js';
import { turnEventLoop } from './event-loop.js';

const NEW_YEAR_2025 = Date.UTC(2025, 0, 1);

interface Timer {
  readonly due: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  /** A shutdown waits this long in real time for handlers that run, in milliseconds. */
  readonly patience = 2000;
  private time: number;
  private offset = 0;
  /** Soonest first; of the same time, in the order they were set. */
  private readonly timers: Timer[] = [];
  private advancing: Promise<void> = Promise.resolve();

  /** @param start ms since the epoch. @default the beginning of 2025, UTC */
  constructor(start: number | Date = NEW_YEAR_2025) {
    this.time = Number(start);
  }

  /** Also ms since the epoch, until the time of the machine is set. */
  now(): number {
    return this.time;
  }

  wallTime(): number {
    return this.time + this.offset;
  }

  /** Sets the time of the machine forward by `ms`, or back where it is negative. Durations and timers go on. */
  stepWallTime(ms: number): void {
    this.offset += ms;
  }

  setTimeout(callback: () => void, ms: number): TimerHandle {
    const timer: Timer = { due: this.time + Math.max(0, ms), callback };
    let index = this.timers.length;
    while (index > 0 && this.timers[index - 1]!.due > timer.due) index--;
    this.timers.splice(index, 0, timer);
    return timer;
  }

  clearTimeout(timer: TimerHandle): void {
    const index = this.timers.indexOf(timer as Timer);
    if (index >= 0) this.timers.splice(index, 1);
  }

  /**
   * Moves time on by `ms`. Timers that fall due run in their order, each at its own time, and what
   * they start happens (promises, immediates; not real input and output) before the next one runs.
   * Calls wait for each other. Rejects with what a timer throws.
   */
  advance(ms: number): Promise<void> {
    const advanced = this.advancing.then(() => this.moveTo(this.time + ms));
    this.advancing = advanced.catch(() => undefined);
    return advanced;
  }

  private async moveTo(target: number): Promise<void> {
    // What was started before may be about to set timers of its own.
    await turnEventLoop();
    for (let timer = this.nextUntil(target); timer; timer = this.nextUntil(target)) {
      this.time = Math.max(this.time, timer.due);
      timer.callback();
      await turnEventLoop();
    }
    this.time = target;
  }

  private nextUntil(target: number): Timer | undefined {
    const [next] = this.timers;
    return next && next.due <= target ? this.timers.shift() : undefined;
  }
}
