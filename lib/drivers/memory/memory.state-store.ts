import type { StateStore } from '../../core/state-store.js';
import type { MemoryBroker, StoredValue } from './memory.broker.js';

/** So many keys are not worth looking through. */
const FEW = 100;

/** The key-value store of a broker. */
export class MemoryStateStore implements StateStore {
  private sweepAt = FEW;

  constructor(
    private readonly broker: MemoryBroker,
    private readonly keyPrefix: string,
  ) {}

  async get(key: string): Promise<string | undefined> {
    return this.find(key)?.value;
  }

  async set(key: string, value: string, ttl?: number): Promise<void> {
    this.write(key, value, ttl);
  }

  async setIfAbsent(key: string, value: string, ttl?: number): Promise<boolean> {
    if (this.find(key)) return false;
    this.write(key, value, ttl);
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

  private find(key: string): StoredValue | undefined {
    const stored = this.broker.state.get(this.keyPrefix + key);
    return stored && this.isAlive(stored) ? stored : undefined;
  }

  private write(key: string, value: string, ttl = Infinity): void {
    const { state, clock } = this.broker;
    state.set(this.keyPrefix + key, { value, expiresAt: clock.now() + ttl });
    // Keys that nobody asks for again have to go, too: looked for whenever their number has doubled.
    if (state.size >= this.sweepAt) this.sweep();
  }

  private sweep(): void {
    const { state } = this.broker;
    for (const [key, stored] of state) if (!this.isAlive(stored)) state.delete(key);
    this.sweepAt = Math.max(FEW, 2 * state.size);
  }

  private isAlive(stored: StoredValue): boolean {
    return stored.expiresAt > this.broker.clock.now();
  }
}
