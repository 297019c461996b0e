import { within, type Clock } from '../../lib/core/clock.js';
import type { Lease } from '../../lib/core/lease.js';
import type { OutgoingEntry } from '../../lib/core/message.js';
import type { SettleOutcome } from '../../lib/core/settlement.js';
import { memory, type MemoryBroker } from '../../lib/drivers/memory/index.js';
import type { DriverFactory } from '../../lib/ports/driver.js';
import type { MessageSource, Settling } from '../../lib/ports/source.js';
import type { SourceCapabilities } from '../../lib/ports/source-capabilities.js';
import type { SubscribeOptions, Subscription } from '../../lib/ports/subscription.js';

export interface PartitionLogOptions {
  readonly partitions: number;
  /** Retries with at least this delay in milliseconds are moved aside, where the engine allows it. */
  readonly movesFrom?: number;
  /** How long runs of a partition that goes may last, in milliseconds. @default for ever */
  readonly patience?: number;
}

interface Entry extends OutgoingEntry {
  readonly publishedAt: number;
}

/** A message that was moved aside. */
interface Aside {
  readonly offset: number;
  readonly due: number;
  readonly runs: number;
}

/** What one group knows of a partition. */
class Partition {
  readonly done = new Set<number>();
  readonly runs = new Map<number, number>();
  readonly inHand = new Map<number, LogLease>();
  aside: Aside[] = [];
  owner: LogSubscription | undefined;
  leaving = false;

  constructor(
    readonly stream: string,
    readonly index: number,
    readonly entries: Entry[],
  ) {}

  own(owner: LogSubscription | undefined): void {
    this.owner = owner;
    this.leaving = false;
    this.inHand.clear();
  }

  /** The next lease that may be handed out. */
  next(now: number): LogLease | undefined {
    const due = this.aside.find((one) => one.due <= now);
    if (due) {
      this.aside = this.aside.filter((one) => one !== due);
      return this.lease(due.offset, due.runs, due.runs);
    }
    const waits = (offset: number): boolean =>
      !this.done.has(offset) && !this.inHand.has(offset) && !this.isAside(offset);
    const offset = this.entries.findIndex((_, at) => waits(at));
    return offset < 0 ? undefined : this.lease(offset, this.runs.get(offset) ?? 0);
  }

  private isAside(offset: number): boolean {
    return this.aside.some((one) => one.offset === offset);
  }

  private lease(offset: number, runs: number, moved?: number): LogLease {
    const isFirst = runs === 0;
    if (isFirst) this.runs.set(offset, 1);
    const lease = new LogLease(this, offset, Math.max(runs, 1), isFirst);
    if (moved !== undefined) lease.moved = { runs: moved };
    this.inHand.set(offset, lease);
    return lease;
  }
}

class LogLease implements Lease {
  moved: Lease['moved'];
  readonly stream: string;
  readonly id: string;
  readonly partition: string;
  readonly publishedAt: number;
  readonly key: string | undefined;
  fields: Lease['fields'];

  constructor(
    readonly lane: Partition,
    readonly offset: number,
    public attempt: number,
    public charged: boolean,
  ) {
    const { fields, publishedAt, key } = lane.entries[offset]!;
    this.stream = lane.stream;
    this.partition = `${lane.index}`;
    this.id = `${lane.index}-${offset}`;
    this.fields = fields;
    this.publishedAt = publishedAt;
    this.key = key;
  }

  get isHeld(): boolean {
    return this.lane.inHand.get(this.offset) === this;
  }
}

/**
 * A log with several partitions in memory, whose consumers share the partitions of a group. It hands
 * partitions over as a cooperative rebalance does: the owner ends what it has, then lets go.
 */
export class PartitionLog {
  private readonly streams = new Map<string, Entry[][]>();
  private readonly groups = new Map<string, Partition[]>();
  private readonly members: LogSubscription[] = [];
  readonly waiting = new Set<() => void>();

  constructor(
    readonly clock: Clock,
    readonly options: PartitionLogOptions,
  ) {}

  publish({ stream, key, partition, ...entry }: OutgoingEntry): string {
    const all = this.entriesOf(stream);
    const index = partition ?? (key === undefined ? 0 : hash(key) % all.length);
    const publishedAt = this.clock.wallTime();
    const at = all[index]!.push({
      stream,
      ...entry,
      ...(key !== undefined && { key }),
      publishedAt,
    });
    this.wake();
    return `${index}-${at - 1}`;
  }

  wake(): void {
    for (const wake of this.waiting) wake();
  }

  join(member: LogSubscription): void {
    this.members.push(member);
    void this.share(member.options);
  }

  leave(member: LogSubscription): void {
    this.members.splice(this.members.indexOf(member), 1);
    void this.share(member.options);
  }

  partitionsOf(stream: string, group: string): Partition[] {
    const key = JSON.stringify([stream, group]);
    let partitions = this.groups.get(key);
    if (!partitions) {
      partitions = this.entriesOf(stream).map((all, index) => new Partition(stream, index, all));
      this.groups.set(key, partitions);
    }
    return partitions;
  }

  private entriesOf(stream: string): Entry[][] {
    let all = this.streams.get(stream);
    const { partitions } = this.options;
    if (!all) this.streams.set(stream, (all = Array.from({ length: partitions }, () => [])));
    return all;
  }

  private async share({ streams, group }: SubscribeOptions): Promise<void> {
    for (const stream of streams) {
      const members = this.members.filter((one) => one.reads(stream, group));
      for (const partition of this.partitionsOf(stream, group)) {
        const owner = members[partition.index % members.length];
        if (owner !== partition.owner) await this.handOver(partition, owner);
      }
    }
    this.wake();
  }

  private async handOver(partition: Partition, to: LogSubscription | undefined): Promise<void> {
    const from = partition.owner;
    const rebalancing = from && this.members.includes(from) && from.options.rebalancing;
    const isOf = ({ lane }: Lease): boolean => lane === partition;
    if (rebalancing) {
      partition.leaving = true;
      const { patience } = this.options;
      const ended = rebalancing.begins(isOf);
      await (patience === undefined ? ended : within(this.clock, patience, ended));
      partition.own(to);
      rebalancing.lost(isOf);
      rebalancing.ends(isOf);
    } else partition.own(to);
    this.wake();
  }
}

const hash = (key: string): number =>
  Array.from(key).reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)!) % 65_521, 7);

class LogSubscription implements Subscription {
  private watched: ReadonlySet<string>;
  private stopped = false;
  private readonly partitions: Partition[];

  constructor(
    private readonly log: PartitionLog,
    readonly options: SubscribeOptions,
  ) {
    this.watched = new Set(options.streams);
    const { streams, group } = options;
    this.partitions = streams.flatMap((stream) => log.partitionsOf(stream, group));
    log.join(this);
  }

  reads(stream: string, group: string): boolean {
    return this.options.group === group && this.options.streams.includes(stream);
  }

  async pull(limit: number): Promise<Lease[]> {
    const until = this.log.clock.now() + this.options.blockTimeout;
    while (!this.stopped) {
      const leases = this.take(limit);
      const left = until - this.log.clock.now();
      if (leases.length > 0 || left <= 0) return leases;
      await this.news(left);
    }
    return [];
  }

  async begin(lease: Lease) {
    const { lane, offset, isHeld } = lease as LogLease;
    if (!isHeld) return lane.owner === this ? ('gone' as const) : ('lost' as const);
    if (lane.leaving) return 'later' as const;
    lane.runs.set(offset, ++lease.attempt);
    lease.charged = true;
    lease.fields = lane.entries[offset]!.fields;
    return 'started' as const;
  }

  async extend(leases: readonly Lease[]) {
    return (leases as LogLease[]).map(({ isHeld, lane }) =>
      isHeld ? ('held' as const) : lane.owner === this ? ('gone' as const) : ('lost' as const),
    );
  }

  forget(): void {}

  watch(streams: ReadonlySet<string>): void {
    this.watched = streams;
    this.log.wake();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.log.wake();
  }

  async close(): Promise<void> {
    this.stopped = true;
    this.log.leave(this);
  }

  private take(limit: number): Lease[] {
    const leases: Lease[] = [];
    for (const partition of this.partitions) {
      const isOurs = partition.owner === this && !partition.leaving;
      if (!isOurs || !this.watched.has(partition.stream)) continue;
      while (leases.length < limit) {
        const lease = partition.next(this.log.clock.now());
        if (!lease) break;
        leases.push(lease);
      }
    }
    return leases;
  }

  /** Resolves when there may be something new, after this many milliseconds at the latest. */
  private news(ms: number): Promise<void> {
    const { waiting, clock } = this.log;
    return new Promise((resolve) => {
      const wake = (): void => {
        waiting.delete(wake);
        clock.clearTimeout(timer);
        resolve();
      };
      // What was moved aside becomes due without a word.
      const timer = clock.setTimeout(wake, Math.min(ms, 50));
      waiting.add(wake);
    });
  }
}

const capabilities: SourceCapabilities = {
  technology: 'log',
  redelivers: false,
  holds: 'partition',
  leaves: false,
  keepsReleasedOrder: true,
  delivery: 'at-least-once',
  positions: 'source',
  atomicPublish: true,
  atomicDeadLetter: false,
  durableAttempts: true,
  extends: true,
  idempotentPublish: false,
  partitionedPublish: true,
};

/** A driver for a {@link PartitionLog}, with the state store of the memory driver. */
export function partitionLog(log: PartitionLog, broker: MemoryBroker): DriverFactory {
  const whole = memory({ broker });
  return {
    technology: 'log',
    clock: log.clock,
    ids: {
      accepts: (id) => /^(0|\d+-\d+)$/.test(id),
      compare: (a, b) => offsetOf(a) - offsetOf(b),
      expected: 'an id such as 0-12',
    },
    open(context) {
      const source: MessageSource = {
        capabilities,
        publish: async (entries) => entries.map((entry) => log.publish(entry)),
        subscribe: async (options) => new LogSubscription(log, options),
        settle: async (batch) => batch.map((settling) => settle(log, settling)),
        close: async () => undefined,
      };
      return { source, ids: this.ids, state: whole.open(context).state! };
    },
  };
}

const offsetOf = (id: string): number => Number(id.split('-')[1] ?? -1);

function settle(log: PartitionLog, { lease, settlement }: Settling): SettleOutcome {
  const { lane, offset, isHeld } = lease as LogLease;
  if (!isHeld) return 'lost';
  const runs = lease.attempt - (lease.charged ? 1 : 0);
  switch (settlement.kind) {
    case 'ack':
      for (const entry of settlement.publish ?? []) log.publish(entry);
      lane.done.add(offset);
      break;
    case 'retry': {
      if (settlement.uncharged) lane.runs.set(offset, (lease.attempt = runs));
      lease.charged = false;
      const { movesFrom = Infinity } = log.options;
      if (settlement.inPlace || settlement.delay < movesFrom) return 'settled';
      const due = log.clock.now() + settlement.delay;
      lane.aside.push({ offset, due, runs: lease.attempt });
      lane.inHand.delete(offset);
      return 'moved';
    }
    case 'release':
      lane.runs.set(offset, runs);
      break;
    default:
      throw new Error(`No ${settlement.kind} here`);
  }
  lane.inHand.delete(offset);
  log.wake();
  return 'settled';
}
