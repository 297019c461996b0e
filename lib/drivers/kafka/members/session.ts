import { systemClock, type TimerHandle } from '../../../core/clock.js';

/** Longest time from one heartbeat to the next, in milliseconds. Rebalances are noticed by them. */
const LONGEST_BEAT = 1000;
/** Heartbeats within one session. */
const BEATS = 5;

/**
 * What a member knows of its session by its own clock: a process that was frozen finds out by this that
 * others may have its partitions, before a broker has told it.
 */
export class Session {
  /** Interval of heartbeats, in milliseconds. */
  readonly beat: number;
  /** Time of the request that was answered last as one of a member. */
  private heardAt = -Infinity;
  /** Time of the last turn of this process. */
  private turnAt = -Infinity;
  private turning: TimerHandle;
  /** While the member joins, the broker expects no heartbeats of it. */
  joining = false;

  /** @param timeout a member that is silent for this time is expelled, in milliseconds */
  constructor(private readonly timeout: number) {
    this.beat = Math.min(LONGEST_BEAT, timeout / BEATS);
  }

  /** A request was answered that was sent at this time. */
  heard(sentAt: number): void {
    this.heardAt = Math.max(this.heardAt, sentAt);
  }

  /** False: the session may be over. */
  get isAlive(): boolean {
    const at = Math.max(this.heardAt, this.joining ? this.turnAt : -Infinity);
    return systemClock.now() - at < this.timeout;
  }

  start(): void {
    this.turnAt = systemClock.now();
    this.turning = systemClock.setTimeout(() => this.start(), this.beat);
  }

  stop(): void {
    systemClock.clearTimeout(this.turning);
  }
}
