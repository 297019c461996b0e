import { StateStoreFullError } from '../../core/errors/state-store.errors.js';
import type { DriverContext } from '../../ports/driver.js';
import type { StateStore } from '../../ports/state-store.js';
import type { MemoryBroker } from './broker/memory.broker.js';

/** The key-value store of a broker. A new key that has no room is refused; no key is ever dropped. */
export class MemoryStateStore implements StateStore {
  private warned = false;

  constructor(
    private readonly broker: MemoryBroker,
    private readonly context: DriverContext,
    private readonly maxKeys: number,
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

  async delete(key: string): Promise<boolean> {
    const existed = this.find(key) !== undefined;
    this.broker.state.delete(this.nameOf(key));
    return existed;
  }

  async exists(key: string): Promise<boolean> {
    return this.find(key) !== undefined;
  }

  private find(key: string): string | undefined {
    return this.broker.state.get(this.nameOf(key));
  }

  private write(key: string, value: string, ttl: number | undefined): void {
    const { state } = this.broker;
    if (state.size >= this.maxKeys && this.find(key) === undefined) {
      state.dropExpired();
      if (state.size >= this.maxKeys) this.refuse();
    }
    state.set(this.nameOf(key), value, ttl);
  }

  /** Warns once, since the caller of the store may be the library, which tries again. */
  private refuse(): never {
    const error = new StateStoreFullError('memory', this.maxKeys);
    const { code, message } = error;
    if (!this.warned) this.context.events.emit('warning', { code, message });
    this.warned = true;
    throw error;
  }

  private nameOf(key: string): string {
    return this.context.keyPrefix + key;
  }
}
