import { asError } from '../../core/errors/error-record.js';
import type { Clock, TimerHandle } from '../../core/clock.js';
import type { EventBus } from '../../core/event-bus.js';
import type { Guard } from '../../core/guard.js';
import type { LeaseStore, OwnedLease } from '../../ports/lease-store.js';
import type { HeldLease } from '../plan/held-lease.js';

/** Wait after a lease could not be extended, in milliseconds. */
const TRY_AGAIN = 100;

export interface LeaseHolderOptions {
  readonly leases: LeaseStore;
  readonly lease: OwnedLease;
  /** In milliseconds. */
  readonly ttl: number;
  /** When the lease was requested. It lasts for at least `ttl` from then on. */
  readonly askedAt: number;
  readonly clock: Clock;
  readonly events: EventBus;
  /** Called once, when the lease is lost. */
  readonly onLost: () => void;
}

/**
 * Holds a lease: extends it at each third of its `ttl`. The lease is lost when another owner has
 * acquired it. It also counts as lost when this process could not extend it in time, because
 * another owner may have acquired it.
 */
export class LeaseHolder implements HeldLease {
  readonly guards: readonly Guard[];
  private over = false;
  private until: number;
  private renewal: TimerHandle | undefined;
  private expiry: TimerHandle | undefined;

  constructor(private readonly options: LeaseHolderOptions) {
    const { leases, lease, askedAt, ttl } = options;
    this.guards = [leases.guard(lease)];
    this.until = askedAt + ttl;
    this.renewAfter(ttl / 3);
    this.expireInTime();
  }

  holds(): boolean {
    return !this.over && this.options.clock.now() < this.until;
  }

  lost(): void {
    if (this.over) return;
    this.end();
    this.options.onLost();
  }

  /** Stops extending the lease. */
  end(): void {
    const { clock } = this.options;
    this.over = true;
    clock.clearTimeout(this.renewal);
    clock.clearTimeout(this.expiry);
  }

  private async renew(): Promise<void> {
    const { leases, lease, ttl, clock, events } = this.options;
    const askedAt = clock.now();
    try {
      const extended = await leases.extend(lease, ttl);
      if (this.over) return;
      if (!extended) return this.lost();
      this.until = askedAt + ttl;
      clock.clearTimeout(this.expiry);
      this.expireInTime();
      this.renewAfter(ttl / 3);
    } catch (error) {
      if (this.over) return;
      events.emit('worker-error', { worker: 'lease holder', error: asError(error) });
      this.renewAfter(Math.min(TRY_AGAIN, ttl / 3));
    }
  }

  private renewAfter(ms: number): void {
    this.renewal = this.options.clock.setTimeout(() => void this.renew(), ms);
  }

  private expireInTime(): void {
    const { clock } = this.options;
    this.expiry = clock.setTimeout(() => this.lost(), this.until - clock.now());
  }
}
