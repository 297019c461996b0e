import { graceOf } from '../consuming/grace-period.js';
import { within, type Clock } from '../core/clock.js';

/** Least time for closing the connections, however late that begins, in milliseconds. */
const LEAST_TO_CLOSE = 200;

/** The time that each part of a shutdown has, counted from the start of the first part. */
export class ShutdownTime {
  /** When the shutdown began, by the clock. */
  private endsFrom: number | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly gracePeriod: number,
  ) {}

  /**
   * Awaits a part of the shutdown, until its time is over: a server that hangs must not hold up the
   * shutdown.
   */
  async limit(part: 'drained' | 'closed', work: () => Promise<unknown>): Promise<void> {
    this.endsFrom ??= this.clock.now();
    const end = this.endsFrom + graceOf(this.gracePeriod)[part];
    await within(this.clock, Math.max(end - this.clock.now(), LEAST_TO_CLOSE), work());
  }
}
