import type { Clock } from '../../../core/clock.js';

/** So many values are not worth looking through. */
const FEW = 100;

/** Values by key that expire. */
export class ExpiringMap<V> {
  private readonly kept = new Map<string, { readonly value: V; until: number }>();
  private sweepAt = FEW;

  constructor(private readonly clock: Clock) {}

  /** Those that nobody has asked for since they expired included. */
  get size(): number {
    return this.kept.size;
  }

  get(key: string): V | undefined {
    const found = this.kept.get(key);
    return found && found.until > this.clock.now() ? found.value : undefined;
  }

  /** @param ttl in ms; without it, it stays */
  set(key: string, value: V, ttl = Infinity): void {
    this.kept.set(key, { value, until: this.clock.now() + ttl });
    // Those that nobody asks for again have to go, too: looked for whenever their number has doubled.
    if (this.kept.size >= this.sweepAt) this.sweep();
  }

  /** What is there stays for `ttl` ms from now on, or for longer. */
  prolong(key: string, ttl: number): void {
    const found = this.kept.get(key);
    if (found) found.until = Math.max(found.until, this.clock.now() + ttl);
  }

  /** Also where it has expired. */
  delete(key: string): void {
    this.kept.delete(key);
  }

  private sweep(): void {
    const now = this.clock.now();
    for (const [key, { until }] of this.kept) if (until <= now) this.kept.delete(key);
    this.sweepAt = Math.max(FEW, 2 * this.kept.size);
  }
}
