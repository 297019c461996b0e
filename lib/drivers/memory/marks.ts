import type { Clock } from '../../core/clock.js';

/** So many are not worth looking through. */
const FEW = 100;

/** Short values that expire, such as who owns a lease. */
export class Marks {
  private readonly values = new Map<string, { value: string; expiresAt: number }>();
  private sweepAt = FEW;

  constructor(private readonly clock: Clock) {}

  get(key: string): string | undefined {
    const kept = this.values.get(key);
    return kept && kept.expiresAt > this.clock.now() ? kept.value : undefined;
  }

  /** @param ttl in ms */
  set(key: string, value: string, ttl: number): void {
    this.values.set(key, { value, expiresAt: this.clock.now() + ttl });
    // Those that nobody asks for again have to go, too: looked for whenever their number has doubled.
    if (this.values.size >= this.sweepAt) this.sweep();
  }

  delete(key: string): void {
    this.values.delete(key);
  }

  private sweep(): void {
    for (const key of this.values.keys()) if (this.get(key) === undefined) this.values.delete(key);
    this.sweepAt = Math.max(FEW, 2 * this.values.size);
  }
}
