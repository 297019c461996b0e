import { systemClock } from '../../core/clock.js';

/** An error that lasts is told again after this time, in milliseconds. */
const TELL_AGAIN = 60_000;

/** Remembers which errors were told, so that one that lasts is told once a minute. */
export class ToldErrors {
  /** By message: when it was told, in milliseconds of the clock. */
  private readonly told = new Map<string, number>();

  /** Whether this error is to be told now. Counts as told then. */
  isNew({ message }: Error): boolean {
    const now = systemClock.now();
    for (const [old, at] of this.told) if (now - at >= TELL_AGAIN) this.told.delete(old);
    if (this.told.has(message)) return false;
    this.told.set(message, now);
    return true;
  }
}
