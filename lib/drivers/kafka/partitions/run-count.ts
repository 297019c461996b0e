import type { HeldLease } from './leased-partition.js';

/** Counts the leases of a partition that have a run which was counted and has not ended. */
export class RunCount {
  private running = 0;
  private waiting: (() => void)[] = [];

  get value(): number {
    return this.running;
  }

  begin(lease: HeldLease): void {
    lease.charged = true;
    this.running++;
  }

  end(lease: HeldLease): void {
    if (!lease.charged) return;
    lease.charged = false;
    if (--this.running === 0) this.tell();
  }

  /** All leases are lost. */
  endAll(): void {
    this.running = 0;
    this.tell();
  }

  /** Resolves when there is none. */
  idle(): Promise<void> {
    if (this.running === 0) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private tell(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
