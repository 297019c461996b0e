import type { StateStore } from '../../ports/state-store.js';
import type { Commands } from './connection/commands.js';
import type { Keys } from './keys/keys.js';
import { replaceValue } from './replace-value.script.js';

/** Stores state in plain string keys with expiry. */
export class RedisStateStore implements StateStore {
  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
  ) {}

  async get(key: string): Promise<string | undefined> {
    const name = this.keys.state(key);
    return (
      (await this.commands.run('reading state', (client) => client.get(name), name)) ?? undefined
    );
  }

  async set(key: string, value: string, ttl?: number): Promise<void> {
    const name = this.keys.state(key);
    await this.commands.run(
      'writing state',
      (client) =>
        ttl === undefined ? client.set(name, value) : client.set(name, value, 'PX', ttl),
      name,
    );
  }

  async setIfAbsent(key: string, value: string, ttl?: number): Promise<boolean> {
    const name = this.keys.state(key);
    const reply = await this.commands.run(
      'writing state',
      (client) =>
        ttl === undefined
          ? client.set(name, value, 'NX')
          : client.set(name, value, 'PX', ttl, 'NX'),
      name,
    );
    return reply === 'OK';
  }

  async compareAndSet(
    key: string,
    expected: string | undefined,
    value: string,
    ttl?: number,
  ): Promise<boolean> {
    if (expected === undefined) return this.setIfAbsent(key, value, ttl);
    const name = this.keys.state(key);
    return this.commands.run(
      'writing state',
      (client) => replaceValue(client, name, { expected, value, ttl }),
      name,
    );
  }

  async delete(key: string): Promise<boolean> {
    const name = this.keys.state(key);
    return (await this.commands.run('deleting state', (client) => client.del(name), name)) === 1;
  }

  async exists(key: string): Promise<boolean> {
    const name = this.keys.state(key);
    return (await this.commands.run('reading state', (client) => client.exists(name), name)) === 1;
  }
}
