import type { Guard } from '../../../core/guard.js';
import type { LeaseName, LeaseStore, OwnedLease } from '../../../ports/lease-store.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import { acquireLease } from './acquire-lease.script.js';
import { extendLease } from './extend-lease.script.js';
import type { LeaseKeys } from './lease-keys.js';
import { releaseLease } from './release-lease.script.js';

/** Stores each lease in two keys: the owner, which expires, and the fence, which outlives it. */
export class RedisLeaseStore implements LeaseStore {
  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
  ) {}

  async acquire(lease: LeaseName, owner: string, ttl: number): Promise<OwnedLease | undefined> {
    const keys = this.keysOf(lease);
    const token = await this.commands.run(
      'acquiring a lease',
      (client) => acquireLease(client, { keys, owner, ttl }),
      keys.fence,
    );
    const { stream, name } = lease;
    return token === 'held' ? undefined : { stream, name, owner, token };
  }

  async extend(lease: OwnedLease, ttl: number): Promise<boolean> {
    const keys = this.keysOf(lease);
    const { owner, token } = lease;
    const word = await this.commands.run(
      'extending a lease',
      (client) => extendLease(client, { keys, owner, token, ttl }),
      keys.fence,
    );
    return word === 'kept';
  }

  async release(lease: OwnedLease): Promise<boolean> {
    const keys = this.keysOf(lease);
    const { token } = lease;
    const word = await this.commands.run(
      'releasing a lease',
      (client) => releaseLease(client, { keys, token }),
      keys.fence,
    );
    return word === 'released';
  }

  guard(lease: OwnedLease): Guard {
    return { key: this.keysOf(lease).fence, value: String(lease.token) };
  }

  private keysOf({ stream, name }: LeaseName): LeaseKeys {
    return { owner: this.keys.leaseOwner(stream, name), fence: this.keys.leaseFence(stream, name) };
  }
}
