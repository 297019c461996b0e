import type { Reason } from './health-report.js';

/** The event loop is looked at this often, in milliseconds. */
const TICK = 500;
/** A tick that comes later than this tells of a blocked event loop, in milliseconds. */
const LATE = 1000;

/**
 * Finds out that the event loop was blocked, or the process frozen. Deadlines of readers begin anew
 * then: a reply may lie in the socket that no code could read.
 */
export class EventLoopWatch {
  private timer: NodeJS.Timeout | undefined;
  private lastTick = 0;
  private longest = 0;
  /** When the event loop ran again: `now()` of the clock. */
  freeSince = -Infinity;

  constructor(
    private readonly now: () => number,
    private readonly window: number,
  ) {}

  start(): void {
    this.lastTick = performance.now();
    this.timer ??= setInterval(() => this.look(), TICK).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Looks at the time since the last tick, so that a check right after a block knows of it. */
  look(): void {
    if (!this.timer) return;
    const time = performance.now();
    const late = time - this.lastTick - TICK;
    this.lastTick = time;
    if (late < LATE) return;
    if (this.now() - this.freeSince > this.window) this.longest = 0;
    this.longest = Math.max(this.longest, late);
    this.freeSince = this.now();
  }

  causes(): Reason[] {
    if (this.now() - this.freeSince > this.window) return [];
    const message = `The event loop was blocked for ${Math.round(this.longest)} ms. No handler may compute for so long.`;
    return [{ code: 'event-loop-blocked', status: 'degraded', message }];
  }
}
