import { systemClock } from '../../../core/clock.js';

/** How often this process shows that it runs, in milliseconds. */
const INTERVAL = 1000;
/** A silence that is longer than this counts, in milliseconds. */
const LONG = 1500;
/** For how long it is remembered, in milliseconds. */
const REMEMBERED = 5000;

/** Notices where this process was busy for so long that it read nothing. */
export class BlockedLoop {
  private seen = systemClock.now();
  private last: { readonly length: number; readonly end: number } | undefined;
  private readonly timer = setInterval(() => this.look(), INTERVAL);

  constructor() {
    this.timer.unref();
  }

  /** How long this process was busy a moment ago, in milliseconds. Undefined: it was not. */
  get blockedFor(): number | undefined {
    this.look();
    const { length, end } = this.last ?? { length: 0, end: -Infinity };
    return systemClock.now() - end < REMEMBERED ? length : undefined;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const now = systemClock.now();
    const length = now - this.seen;
    this.seen = now;
    if (length > LONG + INTERVAL) this.last = { length, end: now };
  }
}
