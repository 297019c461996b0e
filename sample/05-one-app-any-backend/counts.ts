import type { SettledEvent } from 'nestjs-redis-streams';

/** What became of the messages. The same numbers on each backend. */
export class Counts {
  handled = 0;
  retried = 0;
  deadLettered = 0;
  private waiting: (() => void) | undefined;

  count({ outcome }: SettledEvent): void {
    if (outcome === 'handled') this.handled++;
    if (outcome === 'retried') this.retried++;
    if (outcome === 'dead-lettered') this.deadLettered++;
    this.waiting?.();
  }

  /** Resolves when so many messages came to their end. */
  until(settled: number): Promise<void> {
    return new Promise((resolve) => {
      this.waiting = () => {
        if (this.handled + this.deadLettered >= settled) resolve();
      };
      this.waiting();
    });
  }
}
