import type { Clock, Lease, Settling } from 'nestjs-redis-streams/driver';
import type { Change } from './changes.js';
import type { Group, Pending } from './group.js';

export type GivenBack = Extract<Settling['settlement'], { kind: 'retry' | 'release' | 'leave' }>;

/** A lease of this driver knows where it comes from, so that `settle` needs no search. */
export type FileLease = Lease & { readonly feed: Feed; readonly pending: Pending };

export interface FeedOptions {
  /** Without the key prefix. */
  readonly stream: string;
  readonly group: Group;
  readonly consumer: string;
  /** False: only what is pending is handed out. */
  readonly readsOn: boolean;
  readonly clock: Clock;
  /** Carries out changes in one step. */
  readonly commit: (changes: readonly Change[]) => void;
}

/** What one consumer has of one group on one stream. */
export class Feed {
  readonly stream: string;
  readonly group: Group;
  /** By key, what this consumer was handed and has not settled. */
  private readonly held = new Map<string, Lease>();
  /** What stays pending by policy: it is not handed out here again. */
  private readonly left = new WeakSet<Pending>();

  constructor(private readonly options: FeedOptions) {
    this.stream = options.stream;
    this.group = options.group;
  }

  // #region hand-out
  /** What other consumers have released, or did not keep fresh. The count of runs stays. */
  takeOver(limit: number, idleTimeout: number): Lease[] {
    const leases: Lease[] = [];
    for (const pending of this.group.pending.values()) {
      if (leases.length >= limit) break;
      if (this.mayTake(pending, idleTimeout)) leases.push(this.hand(pending, false));
    }
    return leases;
  }

  /** New entries. To read an entry is to count its first run: one line of the journal for all. */
  takeNew(limit: number): Lease[] {
    const { group } = this;
    const ids = this.options.readsOn ? group.log.idsBehind(group.read!, limit) : [];
    if (ids.length === 0) return [];
    this.options.commit([{ do: 'read', ...group.name, to: ids.at(-1)! }]);
    return ids.map((id) => this.hand(group.pending.get(String(id))!, true));
  }

  private mayTake(pending: Pending, idleTimeout: number): boolean {
    const { key, free, freshAt = 0 } = pending;
    if (this.held.has(key) || this.left.has(pending)) return false;
    if (free) return free.except !== this.options.consumer;
    return this.options.clock.now() - freshAt >= idleTimeout;
  }

  private hand(pending: Pending, charged: boolean): Lease {
    const { id, publishedAt, fields, ...more } = this.group.entryOf(pending);
    const lease: FileLease = {
      ...{ stream: this.stream, id: String(id), publishedAt, fields },
      ...{ attempt: pending.runs, charged, feed: this, pending },
      ...('letter' in more && { redriven: true, redrive: more.letter }),
    };
    this.held.set(pending.key, lease);
    Object.assign(pending, { lease, free: undefined, freshAt: this.options.clock.now() });
    return lease;
  }
  // #endregion

  // #region fence
  /** The fence: only the lease that was handed out last has the entry. */
  stateOf(lease: FileLease): 'held' | 'lost' | 'gone' {
    const { pending } = lease;
    if (this.group.pending.get(pending.key) !== pending) return 'gone';
    return pending.lease === lease ? 'held' : 'lost';
  }

  begin(lease: FileLease): 'started' | 'lost' | 'gone' {
    const { pending } = lease;
    const state = this.stateOf(lease);
    if (state !== 'held') return state;
    this.options.commit([this.withRuns(pending, pending.runs + 1)]);
    Object.assign(pending, { free: undefined, freshAt: this.options.clock.now() });
    const { fields } = this.group.entryOf(pending);
    Object.assign(lease, { attempt: pending.runs, charged: true, fields });
    this.held.set(pending.key, lease);
    return 'started';
  }

  extend(lease: FileLease): 'held' | 'lost' | 'gone' {
    const state = this.stateOf(lease);
    if (state === 'held') lease.pending.freshAt = this.options.clock.now();
    return state;
  }
  // #endregion

  // #region give-back
  /** The entry stays pending. A run that did not finish is not counted. */
  giveBack(lease: FileLease, settlement: GivenBack): void {
    const { pending } = lease;
    const parked = settlement.kind === 'retry';
    if (lease.charged && (!parked || settlement.uncharged)) {
      this.options.commit([this.withRuns(pending, pending.runs - 1)]);
    }
    Object.assign(lease, { attempt: pending.runs, charged: false });
    pending.freshAt = this.options.clock.now();
    if (parked) return;
    this.held.delete(pending.key);
    const elsewhere = settlement.kind === 'release' && settlement.elsewhere;
    if (settlement.kind === 'release')
      pending.free = elsewhere ? { except: this.options.consumer } : {};
    if (!elsewhere) pending.lease = undefined;
  }
  // #endregion

  /** The entry is settled, together with other changes. */
  settle({ pending }: FileLease, others: readonly Change[]): void {
    this.options.commit([...others, { do: 'settle', ...this.group.name, key: pending.key }]);
    this.held.delete(pending.key);
  }

  forget(lease: FileLease, left: boolean): void {
    const { pending } = lease;
    if (this.held.get(pending.key) === lease) this.held.delete(pending.key);
    if (left) this.left.add(pending);
  }

  private withRuns({ entry }: Pending, runs: number): Change {
    return { do: 'runs', ...this.group.name, entry, runs };
  }
}
