import type { Clock, TimerHandle } from '../../core/clock.js';
import { turnEventLoop } from './event-loop.js';

/** What `now` says at first, in milliseconds: a process that started a second ago. */
const YOUNG = 1000;
const NEW_YEAR_2025 = Date.UTC(2025, 0, 1);

interface Timer {
  readonly due: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  /** A shutdown waits this long in real time for handlers that run, in milliseconds. */
  readonly patience = 2000;
  private time = YOUNG;
  /** The machine's time where `now` is 0. */
  private epoch: number;
  /** Ordered by due time; timers of the same time as they were set. */
  private readonly timers: Timer[] = [];
  private advancing: Promise<void> = Promise.resolve();

  /**
   * @param start the machine's time, in milliseconds since the epoch. @default the beginning of 2025,
   * UTC
   */
  constructor(start: number | Date = NEW_YEAR_2025) {
    this.epoch = Number(start) - YOUNG;
  }

  /**
   * Milliseconds since this clock was made, as the clock of a process counts from its start. It is no
   * time of day: code that stores it, or compares it with a date, fails its tests.
   */
  now(): number {
    return this.time;
  }

  /** The machine's time, in milliseconds since the epoch. */
  wallTime(): number {
    return this.epoch + this.time;
  }

  /**
   * Sets the machine's time forward by `ms`, or back for a negative number. Durations and timers go
   * on.
   */
  stepWallTime(ms: number): void {
    this.epoch += ms;
  }

  /** Calls a function once, when `advance` has moved the time on by `ms` milliseconds. */
  setTimeout(callback: () => void, ms: number): TimerHandle {
    const timer: Timer = { due: this.time + Math.max(0, ms), callback };
    let index = this.timers.length;
    while (index > 0 && this.timers[index - 1]!.due > timer.due) index--;
    this.timers.splice(index, 0, timer);
    return timer;
  }

  /** Forgets a timer. */
  clearTimeout(timer: TimerHandle): void {
    const index = this.timers.indexOf(timer as Timer);
    if (index >= 0) this.timers.splice(index, 1);
  }

  /**
   * Moves time on by `ms` milliseconds. Due timers run in their order, each at its own time.
   * Promises and immediates that a timer starts run before the next timer; real input and output
   * does not. Calls wait for each other. Rejects with an error of a timer.
   */
  advance(ms: number): Promise<void> {
    const advanced = this.advancing.then(() => this.moveTo(this.time + ms));
    this.advancing = advanced.catch(() => undefined);
    return advanced;
  }

  private async moveTo(target: number): Promise<void> {
    // Promises that were started before may be about to set timers.
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
