import type { StateStore } from '../../lib/ports/state-store.js';

/** A state store that a test watches, breaks and holds up. */
export class ObservedStore implements StateStore {
  /** Number of calls that write. */
  writes = 0;
  /** Each call fails with it. */
  broken: Error | undefined;
  /** Calls that write wait for it before they reach the store. */
  held: Promise<void> | undefined;

  constructor(private readonly store: StateStore) {}

  async get(key: string): Promise<string | undefined> {
    this.check();
    return this.store.get(key);
  }

  async set(key: string, value: string, ttl?: number): Promise<void> {
    await this.writing();
    await this.store.set(key, value, ttl);
  }

  async setIfAbsent(key: string, value: string, ttl?: number): Promise<boolean> {
    await this.writing();
    return this.store.setIfAbsent(key, value, ttl);
  }

  async compareAndSet(
    key: string,
    expected: string | undefined,
    value: string,
    ttl?: number,
  ): Promise<boolean> {
    await this.writing();
    return this.store.compareAndSet(key, expected, value, ttl);
  }

  async delete(key: string): Promise<boolean> {
    await this.writing();
    return this.store.delete(key);
  }

  exists(key: string): Promise<boolean> {
    return this.store.exists(key);
  }

  private async writing(): Promise<void> {
    this.writes++;
    await this.held;
    this.check();
  }

  private check(): void {
    if (this.broken) throw this.broken;
  }
}
