import type { Clock } from '../../../core/clock.js';

/** Below this number of values, a sweep is not worth the time. */
const FEW = 100;

/** Values by key that expire. */
export class ExpiringMap<V> {
  private readonly kept = new Map<string, { readonly value: V; until: number }>();
  private sweepAt = FEW;

  constructor(private readonly clock: Clock) {}

  /** Includes expired values that were not read since. */
  get size(): number {
    return this.kept.size;
  }

  get(key: string): V | undefined {
    const found = this.kept.get(key);
    return found && found.until > this.clock.now() ? found.value : undefined;
  }

  /** @param ttl in milliseconds; without it the value stays */
  set(key: string, value: V, ttl = Infinity): void {
    this.kept.set(key, { value, until: this.clock.now() + ttl });
    // Expired values that are never read have to go, too: a sweep runs each time their number has
    // doubled.
    if (this.kept.size >= this.sweepAt) this.dropExpired();
  }

  /** Keeps the value for at least `ttl` milliseconds from now on. */
  prolong(key: string, ttl: number): void {
    const found = this.kept.get(key);
    if (found) found.until = Math.max(found.until, this.clock.now() + ttl);
  }

  /** Deletes the value, expired or not. */
  delete(key: string): void {
    this.kept.delete(key);
  }

  /** Deletes the values that have expired. */
  dropExpired(): void {
    const now = this.clock.now();
    for (const [key, { until }] of this.kept) if (until <= now) this.kept.delete(key);
    this.sweepAt = Math.max(FEW, 2 * this.kept.size);
  }
}
