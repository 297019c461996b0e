import type { StateStore } from '../../ports/state-store.js';
import type { MemoryBroker } from './broker/memory.broker.js';

/** The key-value store of a broker. */
export class MemoryStateStore implements StateStore {
  constructor(
    private readonly broker: MemoryBroker,
    private readonly keyPrefix: string,
  ) {}

  async get(key: string): Promise<string | undefined> {
    return this.find(key);
  }

  async set(key: string, value: string, ttl?: number): Promise<void> {
    this.broker.state.set(this.keyPrefix + key, value, ttl);
  }

  async setIfAbsent(key: string, value: string, ttl?: number): Promise<boolean> {
    if (this.find(key) !== undefined) return false;
    this.broker.state.set(this.keyPrefix + key, value, ttl);
    return true;
  }

  async delete(key: string): Promise<boolean> {
    const existed = this.find(key) !== undefined;
    this.broker.state.delete(this.keyPrefix + key);
    return existed;
  }

  async exists(key: string): Promise<boolean> {
    return this.find(key) !== undefined;
  }

  private find(key: string): string | undefined {
    return this.broker.state.get(this.keyPrefix + key);
  }
}
