import type { SettledEvent } from 'nestjs-redis-streams';

/** Counts what became of each message, per group. */
export class Tally {
  handled = 0;
  filtered = 0;
  deadLettered = 0;
  retried = 0;
  private waiting: (() => void)[] = [];

  count({ outcome }: SettledEvent): void {
    if (outcome === 'handled') this.handled++;
    if (outcome === 'filtered') this.filtered++;
    if (outcome === 'dead-lettered') this.deadLettered++;
    if (outcome === 'retried') this.retried++;
    for (const check of this.waiting) check();
  }

  get settled(): number {
    return this.handled + this.filtered + this.deadLettered;
  }

  /** Resolves when so many messages came to their end. */
  async until(settled: number): Promise<void> {
    if (this.settled >= settled) return;
    await new Promise<void>((resolve) =>
      this.waiting.push(() => {
        if (this.settled >= settled) resolve();
      }),
    );
  }
}
