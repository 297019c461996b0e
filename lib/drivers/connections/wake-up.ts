import { sleep, systemClock } from '../../core/clock.js';

/** Lets one loop wait until it is woken. What wakes it before it waits is not lost. */
export class WakeUp {
  private woken = false;
  private waiting: AbortController | undefined;

  /**
   * Returns true once it is woken, at once where that was since the last call. Returns false after
   * `ms` milliseconds.
   */
  async wait(ms: number): Promise<boolean> {
    if (!this.woken && ms > 0) {
      this.waiting = new AbortController();
      await sleep(systemClock, ms, this.waiting.signal);
      this.waiting = undefined;
    }
    const { woken } = this;
    this.woken = false;
    return woken;
  }

  wake(): void {
    this.woken = true;
    this.waiting?.abort();
  }
}
