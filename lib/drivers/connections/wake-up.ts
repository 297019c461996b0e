import { systemClock } from '../../core/clock.js';

/** Lets one loop wait until it is woken. What wakes it before it waits is not lost. */
export class WakeUp {
  private woken = false;
  private resume: (() => void) | undefined;

  /**
   * Resolves with true once it is woken, at once where that was since the last call. Resolves with false
   * after `ms` milliseconds.
   */
  wait(ms: number): Promise<boolean> {
    if (this.woken || ms <= 0) return Promise.resolve(this.takeWoken());
    return new Promise((resolve) => {
      const timer = systemClock.setTimeout(() => this.resume?.(), ms);
      this.resume = () => {
        systemClock.clearTimeout(timer);
        this.resume = undefined;
        resolve(this.takeWoken());
      };
    });
  }

  wake(): void {
    this.woken = true;
    this.resume?.();
  }

  private takeWoken(): boolean {
    const { woken } = this;
    this.woken = false;
    return woken;
  }
}
