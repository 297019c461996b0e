import {
  InvalidMessageError,
  InvalidOptionsError,
  type Clock,
  type DriverContext,
  type DriverFactory,
  type Fields,
  type IdFormat,
  type Lease,
  type MessageSource,
  type OutgoingEntry,
  type SettleOutcome,
  type Settling,
  type SourceCapabilities,
  type SubscribeOptions,
  type Subscription,
} from 'nestjs-redis-streams/driver';

type StoredEntry = Pick<Lease, 'id' | 'publishedAt'> & { readonly fields: Fields };

/** What a group knows of an entry that was handed out and is not acknowledged. */
interface Pending {
  /** The lease that was handed out last. It is the fence: only this lease may settle the entry. */
  lease?: TeachingLease | undefined;
  runs: number;
  /** When its consumer last showed that it holds the entry. */
  freshAt?: number;
  /** It was released: any consumer may take it at once, but for this one. */
  released?: { readonly except?: string } | undefined;
}

/** A consumer group: how far it has read a stream, and what is pending by position, oldest first. */
interface Group {
  readonly entries: readonly StoredEntry[];
  readonly pending: Map<number, Pending>;
  read: number;
}
type GivenBack = Extract<Settling['settlement'], { kind: 'retry' | 'release' | 'leave' }>;

/** A lease of this driver knows where it comes from, so that `settle` needs no search. */
type TeachingLease = Lease & { readonly feed: Feed; readonly position: number };

/** What a server would keep. All connections of one factory share it. */
class Storage {
  private readonly streams = new Map<string, StoredEntry[]>();
  private readonly groups = new Map<string, Group>();
  /** Pulls that wait for an entry. */
  readonly waiting = new Set<() => void>();

  constructor(readonly clock: Clock) {}

  stream(key: string): StoredEntry[] {
    return this.streams.get(key) ?? this.streams.set(key, []).get(key)!;
  }
  group(key: string, name: string, startId: string): Group {
    const id = JSON.stringify([key, name]);
    const entries = this.stream(key);
    const read = startId === '$' ? entries.length : Number(startId);
    if (!this.groups.has(id)) this.groups.set(id, { entries, pending: new Map(), read });
    return this.groups.get(id)!;
  }
  append(key: string, fields: Fields): string {
    const entries = this.stream(key);
    const id = String(entries.length + 1);
    entries.push({ id, fields: [...fields], publishedAt: this.clock.wallTime() });
    this.wake();
    return id;
  }
  wake(): void {
    for (const wake of this.waiting) wake();
  }
}

/** One consumer's part in one group on one stream. */
class Feed {
  /** What this consumer was handed and has not settled. */
  readonly held = new Map<number, Lease>();
  /** What stays pending by policy, and is not handed out here again. */
  readonly left = new Set<number>();
  constructor(
    readonly stream: string,
    readonly group: Group,
    private readonly consumer: string,
    private readonly clock: Clock,
  ) {}

  /** Entries that were released, and those that their consumer did not keep fresh. */
  takeOver(limit: number, idleTimeout: number): Lease[] {
    const free = [...this.group.pending].filter(([position, { released, freshAt }]) => {
      if (this.held.has(position) || this.left.has(position)) return false;
      if (released) return released.except !== this.consumer;
      return this.clock.now() - freshAt! >= idleTimeout;
    });
    return free.slice(0, limit).map(([position, pending]) => this.hand(position, pending, false));
  }

  /** New entries. Reading counts the first run. */
  takeNew(limit: number): Lease[] {
    const { entries, read } = this.group;
    const end = Math.min(read + limit, entries.length);
    const leases = entries.slice(read, end).map((_, n) => this.hand(read + n, { runs: 1 }, true));
    this.group.read = end;
    return leases;
  }

  /** What is pending, where this lease is the one that was handed out last. */
  owned(lease: TeachingLease): Pending | 'lost' | 'gone' {
    const pending = this.group.pending.get(lease.position);
    if (!pending) return 'gone';
    return pending.lease === lease ? pending : 'lost';
  }

  begin(lease: TeachingLease) {
    const pending = this.owned(lease);
    if (typeof pending === 'string') return pending;
    Object.assign(pending, { released: undefined, freshAt: this.clock.now() });
    const { fields } = this.group.entries[lease.position]!;
    Object.assign(lease, { attempt: ++pending.runs, charged: true, fields });
    this.held.set(lease.position, lease);
    return 'started';
  }
  extend(lease: TeachingLease) {
    const pending = this.owned(lease);
    if (typeof pending === 'string') return pending;
    pending.freshAt = this.clock.now();
    return 'held';
  }

  acknowledge({ position }: TeachingLease): void {
    this.group.pending.delete(position);
    this.held.delete(position);
  }

  /** The entry stays pending. A run that did not finish is not counted. */
  giveBack(lease: TeachingLease, pending: Pending, settlement: GivenBack) {
    const parked = settlement.kind === 'retry';
    if (lease.charged && (!parked || settlement.uncharged)) lease.attempt = --pending.runs;
    lease.charged = false;
    pending.freshAt = this.clock.now();
    if (parked) return;
    this.held.delete(lease.position);
    const elsewhere = settlement.kind === 'release' && settlement.elsewhere;
    if (settlement.kind === 'release')
      pending.released = elsewhere ? { except: this.consumer } : {};
    if (!elsewhere) pending.lease = undefined;
  }

  private hand(position: number, pending: Pending, charged: boolean): Lease {
    const { stream } = this;
    const lease = { ...this.group.entries[position]!, stream, attempt: pending.runs, charged };
    pending.lease = { ...lease, feed: this, position };
    Object.assign(pending, { released: undefined, freshAt: this.clock.now() });
    this.group.pending.set(position, pending);
    this.held.set(position, pending.lease);
    return pending.lease;
  }
}

class TeachingSubscription implements Subscription {
  private watched: ReadonlySet<string> | undefined;
  private stopped = false;
  readonly close = () => this.stop();
  constructor(
    private readonly storage: Storage,
    private readonly feeds: Feed[],
    private readonly options: SubscribeOptions,
    private readonly context: DriverContext,
  ) {}

  async pull(limit: number): Promise<Lease[]> {
    const { clock } = this.storage;
    const end = clock.now() + this.options.blockTimeout;
    for (;;) {
      const leases = this.stopped ? [] : this.take(limit);
      const left = end - clock.now();
      if (this.stopped || leases.length > 0 || left <= 0) return leases;
      await this.wait(Math.min(left, this.options.reclaimInterval));
    }
  }

  async begin(lease: Lease) {
    return own(lease).feed.begin(own(lease));
  }
  async extend(leases: readonly Lease[]) {
    return leases.map((lease) => own(lease).feed.extend(own(lease)));
  }
  forget(lease: Lease, left = false): void {
    const { feed, position } = own(lease);
    if (feed.held.get(position) === lease) feed.held.delete(position);
    if (left) feed.left.add(position);
  }
  watch(streams: ReadonlySet<string>): void {
    this.watched = streams;
    this.storage.wake();
  }
  async stop(): Promise<void> {
    this.stopped = true;
    this.storage.wake();
  }

  /** What others have left comes first. Another stream begins each time, so that none starves. */
  private take(limit: number): Lease[] {
    const { group, idleTimeout } = this.options;
    this.feeds.push(...this.feeds.splice(0, 1));
    const feeds = this.feeds.filter(({ stream }) => this.watched?.has(stream) ?? true);
    const leases: Lease[] = [];
    for (const feed of feeds) {
      const taken = feed.takeOver(limit - leases.length, idleTimeout);
      const reclaimed = { stream: feed.stream, group, count: taken.length };
      if (taken.length > 0) this.context.events.emit('reclaimed', reclaimed);
      leases.push(...taken);
    }
    for (const feed of feeds) leases.push(...feed.takeNew(limit - leases.length));
    return leases;
  }

  private wait(ms: number): Promise<void> {
    const { clock, waiting } = this.storage;
    return new Promise((resolve) => {
      const timer = clock.setTimeout(wake, ms);
      waiting.add(wake);
      function wake(): void {
        clock.clearTimeout(timer);
        waiting.delete(wake);
        resolve();
      }
    });
  }
}

class TeachingSource implements MessageSource {
  readonly capabilities: SourceCapabilities = {
    ...{ technology: 'teaching', redelivers: false, durableAttempts: false, extends: true },
    ...{ atomicPublish: true, atomicDeadLetter: true, idempotentPublish: false },
    ...{ holds: 'entry', leaves: true, keepsReleasedOrder: true },
    ...{ delivery: 'at-least-once', positions: 'source' },
  };
  constructor(
    private readonly storage: Storage,
    private readonly context: DriverContext,
  ) {}

  async publish(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]> {
    return entries.map((entry) => problemOf(entry) ?? this.append(entry));
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    const { startId, streams, group, consumer } = options;
    const problem = `startId must be '0', '$' or an id, not '${startId}'`;
    if (!/^(\$|\d+)$/.test(startId)) throw new InvalidOptionsError([problem]);
    const { storage, context } = this;
    const feeds = streams.map((stream) => {
      const members = storage.group(context.keyPrefix + stream, group, startId);
      return new Feed(stream, members, consumer, storage.clock);
    });
    return new TeachingSubscription(storage, feeds, options, context);
  }

  async settle(batch: readonly Settling[]): Promise<(SettleOutcome | Error)[]> {
    const outcomes = batch.map((settling) => this.settleOne(settling, own(settling.lease)));
    this.storage.wake();
    return outcomes;
  }

  /** There is no connection. */
  async close(): Promise<void> {}

  private settleOne({ settlement }: Settling, lease: TeachingLease): SettleOutcome | Error {
    const { feed } = lease;
    const next = settlement.kind === 'ack' ? (settlement.publish ?? []) : [];
    // A plain acknowledgement needs no fence: the work is done.
    const pending = settlement.kind === 'ack' && next.length === 0 ? undefined : feed.owned(lease);
    if (typeof pending === 'string') return pending;
    const problem = next.map(problemOf).find((found) => found !== undefined);
    if (problem) return problem;
    for (const entry of next) this.append(entry);
    if (settlement.kind === 'dead-letter') {
      this.append({ stream: `${feed.stream}:dead-letter`, fields: lease.fields! });
    }
    if (settlement.kind === 'ack' || settlement.kind === 'dead-letter') feed.acknowledge(lease);
    else feed.giveBack(lease, pending!, settlement);
    return 'settled';
  }

  private append({ stream, fields }: OutgoingEntry): string {
    return this.storage.append(this.context.keyPrefix + stream, fields);
  }
}

function problemOf({ stream, fields }: OutgoingEntry): Error | undefined {
  if (fields.length > 0 && fields.length % 2 === 0) return undefined;
  return new InvalidMessageError(`An entry for "${stream}" needs names and values in turn.`);
}

const own = (lease: Lease): TeachingLease => lease as TeachingLease;

/** Positions in a stream, counted from 1. */
const ids: IdFormat = {
  accepts: (id) => /^\d{1,15}$/.test(id),
  compare: (a, b) => Number(a) - Number(b),
  expected: 'a number such as 17',
};

/** Streams in this process, by as little as a driver may be. Drivers of one factory share data. */
export function teaching(clock: Clock): DriverFactory {
  const storage = new Storage(clock);
  const open = (context: DriverContext) => ({ ids, source: new TeachingSource(storage, context) });
  return { technology: 'teaching', ids, clock, open };
}
