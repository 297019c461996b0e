import type { DriverContext, StateStore } from 'nestjs-redis-streams/driver';
import type { Store } from './store.js';

/** Reading and writing are one step where no `await` stands between them. */
export class FileStateStore implements StateStore {
  constructor(
    private readonly store: Store,
    private readonly context: DriverContext,
  ) {}

  async get(key: string): Promise<string | undefined> {
    return this.find(key);
  }

  async set(key: string, value: string, ttl?: number): Promise<void> {
    this.write(key, value, ttl);
  }

  async setIfAbsent(key: string, value: string, ttl?: number): Promise<boolean> {
    return this.compareAndSet(key, undefined, value, ttl);
  }

  // #region compare-and-set
  async compareAndSet(
    key: string,
    expected: string | undefined,
    value: string,
    ttl?: number,
  ): Promise<boolean> {
    if (this.find(key) !== expected) return false;
    this.write(key, value, ttl);
    return true;
  }
  // #endregion

  async delete(key: string): Promise<boolean> {
    if (this.find(key) === undefined) return false;
    this.store.commit([{ do: 'unset', key: this.name(key) }]);
    this.store.flush();
    return true;
  }

  async exists(key: string): Promise<boolean> {
    return this.find(key) !== undefined;
  }

  private find(key: string): string | undefined {
    return this.store.contents.keys.get(this.name(key));
  }

  private write(key: string, value: string, ttl: number | undefined): void {
    const until = ttl === undefined ? {} : { until: this.store.clock.wallTime() + ttl };
    this.store.commit([{ do: 'set', key: this.name(key), value, ...until }]);
    this.store.flush();
  }

  private name(key: string): string {
    return this.context.keyPrefix + key;
  }
}
