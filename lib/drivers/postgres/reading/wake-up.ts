import { sleep, systemClock } from '../../../core/clock.js';

/** Lets one loop wait until it is woken. What wakes it before it waits is not lost. */
export class WakeUp {
  private woken = false;
  private waiting: AbortController | undefined;

  /** Resolves after `ms` milliseconds, or at once where there was a `wake` since the last wait. */
  async wait(ms: number): Promise<void> {
    if (!this.woken) {
      this.waiting = new AbortController();
      await sleep(systemClock, ms, this.waiting.signal);
      this.waiting = undefined;
    }
    this.woken = false;
  }

  wake(): void {
    this.woken = true;
    this.waiting?.abort();
  }
}
