import { grouped } from '../../../core/collections/grouped.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../../../core/lease.js';
import { allTroubles, type ReadTrouble } from '../../../core/read-trouble.js';
import type { Subscription } from '../../../ports/subscription.js';
import type { RedisLease } from '../held-entries/redis.lease.js';
import type { RedisSubscription } from '../reading/redis.subscription.js';

/** The streams of one slot. */
class Part {
  /** The last pull brought as many entries as it asked for. */
  busy = false;
  private pulling: Promise<void> | undefined;

  constructor(readonly subscription: RedisSubscription) {}

  /** Pulls, unless a pull is under way. */
  pull(limit: number, onPulled: (leases: Lease[]) => void): void {
    this.pulling ??= this.subscription.pull(limit).then((leases) => {
      this.busy = leases.length >= limit;
      this.pulling = undefined;
      onPulled(leases);
    });
  }

  async stop(): Promise<void> {
    await this.subscription.stop();
    await this.pulling;
  }
}

/** One consumer in one group on a cluster. It has a subscription of its own for each slot. */
export class ClusterSubscription implements Subscription {
  private readonly parts: readonly Part[];
  /** Leases that were pulled and are handed out at the next pull. */
  private pulled: Lease[] = [];
  private wake: (() => void) | undefined;
  private stopped = false;

  /** @param onClosed called once the subscription is closed */
  constructor(
    subscriptions: readonly RedisSubscription[],
    private readonly onClosed: () => void,
  ) {
    this.parts = subscriptions.map((subscription) => new Part(subscription));
  }

  async open(connectTimeout: number): Promise<void> {
    try {
      await Promise.all(this.parts.map(({ subscription }) => subscription.open(connectTimeout)));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async pull(limit: number): Promise<Lease[]> {
    if (this.pulled.length === 0 && !this.stopped) {
      const answered = new Promise<void>((resolve) => (this.wake = resolve));
      this.pullAll(limit);
      await answered;
    }
    const handedOut = this.pulled.splice(0, limit);
    // These exceed the limit. The subscriptions that read them keep them fresh until the next pull.
    this.takeBack(this.pulled.splice(0));
    return handedOut;
  }

  takeHanded(limit: number): Lease[] {
    const handedOut = this.pulled.splice(0, limit);
    for (const { subscription } of this.parts) {
      const left = limit - handedOut.length;
      if (left > 0) handedOut.push(...subscription.takeHanded(left));
    }
    return handedOut;
  }

  begin(lease: Lease): Promise<BeginOutcome> {
    return subscriptionOf(lease).begin(lease);
  }

  async extend(leases: readonly Lease[]): Promise<ExtendOutcome[]> {
    const outcomes = new Map<Lease, ExtendOutcome>();
    const extended = [...grouped(leases, subscriptionOf)].map(async ([subscription, same]) => {
      const found = await subscription.extend(same);
      for (const [index, lease] of same.entries()) outcomes.set(lease, found[index]!);
    });
    await Promise.all(extended);
    return leases.map((lease) => outcomes.get(lease)!);
  }

  forget(lease: Lease, left?: boolean): void {
    subscriptionOf(lease).forget(lease, left);
  }

  watch(streams: ReadonlySet<string>): void {
    for (const { subscription } of this.parts) subscription.watch(streams);
  }

  trouble(): ReadTrouble {
    return allTroubles(this.parts.map(({ subscription }) => subscription.trouble()));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.parts.map((part) => part.stop()));
    this.answer();
  }

  async close(): Promise<void> {
    // These were never handed out. Closing the subscription that read them releases them.
    this.takeBack(this.pulled.splice(0));
    await Promise.all(this.parts.map(({ subscription }) => subscription.close()));
    this.onClosed();
  }

  /** The busy parts share the limit. Each of the others, which wait, may bring its share of it. */
  private pullAll(limit: number): void {
    const busy = this.parts.filter((part) => part.busy).length;
    for (const part of this.parts) {
      const share = Math.floor(limit / (part.busy ? busy : this.parts.length));
      part.pull(Math.max(1, share), (leases) => {
        // No pull waits for these leases now. The subscriptions that read them keep them fresh
        // until the next pull.
        if (!this.wake) return this.takeBack(leases);
        this.pulled.push(...leases);
        this.answer();
      });
    }
  }

  private answer(): void {
    const { wake } = this;
    this.wake = undefined;
    wake?.();
  }

  private takeBack(leases: readonly Lease[]): void {
    for (const lease of leases) subscriptionOf(lease).takeBack(lease as RedisLease);
  }
}

function subscriptionOf(lease: Lease): RedisSubscription {
  return (lease as RedisLease).holder as RedisSubscription;
}
