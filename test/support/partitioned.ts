import type { Clock } from '../../lib/core/clock.js';
import type { Lease } from '../../lib/core/lease.js';
import { memory, type MemoryBroker } from '../../lib/drivers/memory/index.js';
import type { Driver, DriverFactory } from '../../lib/ports/driver.js';
import type { PendingEntries } from '../../lib/ports/group-admin.js';
import type { MessageSource } from '../../lib/ports/source.js';
import type { SubscribeOptions, Subscription } from '../../lib/ports/subscription.js';

/** Consumers of the memory driver take over nothing by themselves here. */
const NEVER = 1e9;
const EVERY = { count: 1e6 };

/** A consumer of a group, which has some of the group's partitions or waits for one. */
interface Member {
  readonly options: SubscribeOptions;
  readonly inner: Subscription;
  readonly pending: PendingEntries;
  readonly source: MessageSource;
  /** The group, apart from groups under other prefixes. */
  readonly key: string;
  /** Its streams, each of one partition, which it has now. */
  readonly owned: Set<string>;
  /** When it was last known to live. Undefined: it lives. */
  silentFrom?: number;
}

/** Gives each partition to the oldest member that lives. */
class Coordinator {
  private readonly members: Member[] = [];
  constructor(private readonly clock: Clock) {}

  async join(member: Member): Promise<void> {
    this.members.push(member);
    await this.assign();
  }

  async leave(member: Member): Promise<void> {
    const at = this.members.indexOf(member);
    if (at >= 0) this.members.splice(at, 1);
    await this.assign();
  }

  silence(source: MessageSource): void {
    for (const member of this.members) {
      if (member.source === source) member.silentFrom ??= this.clock.now();
    }
  }

  async assign(): Promise<void> {
    for (const member of this.members.filter((one) => !this.lives(one))) {
      this.members.splice(this.members.indexOf(member), 1);
      member.owned.clear();
    }
    for (const member of this.members) {
      for (const stream of member.options.streams) {
        const owner = this.members.find(
          ({ owned, key }) => key === member.key && owned.has(stream),
        );
        if (!owner) await this.give(stream, member);
      }
    }
  }

  private lives({ silentFrom, options }: Member): boolean {
    return silentFrom === undefined || this.clock.now() - silentFrom < options.idleTimeout;
  }

  /** The new owner begins with all that is pending. What the former owner holds is lost to it. */
  private async give(stream: string, member: Member): Promise<void> {
    member.owned.add(stream);
    member.inner.watch(new Set(member.owned));
    const { group, consumer } = member.options;
    const ids = (await member.pending.list(stream, group, EVERY)).map(({ id }) => id);
    await member.pending.claim(stream, group, { consumer, minIdleMs: 0, ids });
  }
}

/** Hands out what its member's partitions have. */
class PartitionSubscription implements Subscription {
  private watched: ReadonlySet<string> | undefined;
  readonly stop = () => this.member.inner.stop();
  constructor(
    private readonly member: Member,
    private readonly coordinator: Coordinator,
  ) {}

  async pull(limit: number): Promise<Lease[]> {
    await this.coordinator.assign();
    const { inner, owned } = this.member;
    inner.watch(new Set([...owned].filter((stream) => this.watched?.has(stream) ?? true)));
    const leases = await inner.pull(limit);
    return leases.map((lease) => Object.assign(lease, { partition: '0' }));
  }

  begin(lease: Lease) {
    return this.member.inner.begin(lease);
  }
  extend(leases: readonly Lease[]) {
    return this.member.inner.extend(leases);
  }
  forget(lease: Lease, left?: boolean): void {
    this.member.inner.forget(lease, left);
  }
  watch(streams: ReadonlySet<string>): void {
    this.watched = streams;
    const { inner, owned } = this.member;
    inner.watch(new Set([...owned].filter((stream) => streams.has(stream))));
  }
  async close(): Promise<void> {
    await this.member.inner.close();
    this.member.owned.clear();
    await this.coordinator.leave(this.member);
  }
}

/**
 * The memory driver as a technology that holds partitions: each stream has one partition, which one
 * consumer of a group has at a time. It shows that it lives until `vanish`, however silent it is.
 */
export function partitioned(broker: MemoryBroker): {
  readonly factory: DriverFactory;
  vanish(driver: Driver): Promise<void>;
} {
  const whole = memory({ broker });
  const coordinator = new Coordinator(broker.clock);
  const factory: DriverFactory = {
    ...whole,
    technology: 'partitioned',
    open(context) {
      const driver = whole.open(context);
      const source: MessageSource = {
        capabilities: {
          ...driver.source.capabilities,
          ...{ technology: 'partitioned', holds: 'partition', leaves: false },
        },
        publish: (entries) => driver.source.publish(entries),
        settle: (batch) => driver.source.settle(batch),
        settledUpTo: (stream, group) => driver.source.settledUpTo!(stream, group),
        close: () => driver.source.close(),
        async subscribe(options) {
          const inner = await driver.source.subscribe({ ...options, idleTimeout: NEVER });
          inner.watch(new Set());
          const key = JSON.stringify([context.keyPrefix, options.group]);
          const owned = new Set<string>();
          const parts = { options, inner, pending: driver.pending!, source, key, owned };
          await coordinator.join(parts);
          return new PartitionSubscription(parts, coordinator);
        },
      };
      return { source, ids: driver.ids, ...(driver.state && { state: driver.state }) };
    },
  };
  return { factory, vanish: async ({ source }) => coordinator.silence(source) };
}
