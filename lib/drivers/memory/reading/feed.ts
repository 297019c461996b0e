import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../../../core/lease.js';
import type { Fields } from '../../../core/message.js';
import type { HandOverOutcome } from '../../../ports/live-consumers.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { Pending } from '../broker/pending-entry.js';
import { EntryTaking, reportCount } from './entry-taking.js';
import type { FeedOptions } from './feed-options.js';
import { HeldEntries } from './held-entries.js';
import { MemoryLease, type LeaseOrigin } from './memory.lease.js';

export type FeedLease = MemoryLease<Feed>;

/** The lease, where this driver made it; otherwise undefined. */
export const asFeedLease = (lease: Lease): FeedLease | undefined =>
  lease instanceof MemoryLease ? lease : undefined;

/** One consumer's part in one group on one log: the entries that it holds, and their fence. */
export class Feed implements LeaseOrigin {
  readonly held: HeldEntries<Feed>;
  readonly taking: EntryTaking<Feed>;

  constructor(private readonly options: FeedOptions) {
    this.held = new HeldEntries<Feed>(this, options.entries, options.group);
    this.taking = new EntryTaking(options, this.held);
  }

  get stream(): string {
    return this.options.stream;
  }

  get consumer(): string {
    return this.options.consumer;
  }

  get redriven(): boolean {
    return this.options.redriven;
  }

  begin(lease: FeedLease): BeginOutcome {
    const pending = this.ownedWithData(lease);
    if (typeof pending === 'string') return pending === 'trimmed' ? 'gone' : pending;
    pending.count++;
    pending.deliveredAt = this.options.clock.now();
    lease.attempt = pending.count;
    lease.charged = true;
    lease.parked = lease.offered = false;
    lease.fields = this.options.entries.at(lease.position)?.fields;
    return 'started';
  }

  extend(lease: FeedLease): ExtendOutcome {
    const pending = this.ownedWithData(lease);
    if (pending === 'trimmed') lease.trimmed = true;
    if (typeof pending === 'string') return pending;
    pending.deliveredAt = this.options.clock.now();
    return 'held';
  }

  /** For a plain acknowledgement: the work is done, no matter which consumer owns the entry. */
  plainFence(): 'owned' | 'lost' {
    return this.options.allowed() ? 'owned' : 'lost';
  }

  /**
   * Checks only the guards and the fence. A lease whose data was deleted during its run still owns
   * its entry.
   */
  fence(lease: FeedLease): 'owned' | 'lost' | 'gone' {
    if (!this.options.allowed()) return 'lost';
    if (lease.trimmed) return 'owned';
    const pending = this.options.group.owned(lease);
    return typeof pending === 'string' ? pending : 'owned';
  }

  /** The stored fields. Where they were deleted, the fields that the lease was handed. */
  fieldsOf(lease: FeedLease): Fields | undefined {
    return this.options.entries.at(lease.position)?.fields ?? lease.fields;
  }

  /** Removes the entry from the pending list, no matter which consumer owns it. */
  finish(lease: FeedLease): void {
    lease.trimmed = false;
    this.options.group.remove(lease.position);
    this.held.forget(lease);
  }

  /** Keeps the entry from all consumers. */
  hold(lease: FeedLease, record: DeadLetterRecord): SettleOutcome {
    if (lease.trimmed) return 'unheld';
    const { group, clock } = this.options;
    if (group.allPending.get(lease.position)?.held) return 'gone';
    const pending = this.ownedWithData(lease);
    if (pending === 'trimmed') {
      lease.trimmed = true;
      return 'unheld';
    }
    if (typeof pending === 'string') return pending;
    group.hold(pending, record, clock.now());
    this.held.forget(lease);
    return 'settled';
  }

  park(lease: FeedLease, uncharged = false): SettleOutcome {
    const pending = this.ownedWithData(lease);
    if (typeof pending === 'string') return pending === 'trimmed' ? 'gone' : pending;
    pending.deliveredAt = this.options.clock.now();
    if (uncharged && lease.charged) lease.attempt = --pending.count;
    lease.charged = false;
    lease.parked = true;
    lease.fields = undefined;
    return 'settled';
  }

  release(lease: FeedLease): SettleOutcome {
    const pending = this.ownedWithData(lease);
    if (typeof pending === 'string') return pending === 'trimmed' ? 'gone' : pending;
    this.options.group.release(pending, lease.charged ? lease.attempt - 1 : lease.attempt);
    this.held.forget(lease);
    return 'settled';
  }

  /** Lets other consumers take the entry at their next look. Keeps the lease until one has. */
  offer(lease: FeedLease): SettleOutcome {
    const pending = this.ownedWithData(lease);
    if (typeof pending === 'string') return pending === 'trimmed' ? 'gone' : pending;
    if (lease.charged) lease.attempt = --pending.count;
    pending.deliveredAt = -Infinity;
    lease.charged = false;
    lease.parked = lease.offered = true;
    return 'settled';
  }

  /** Leaves the entry pending, and does not count the run that has ended. */
  leave(lease: FeedLease): SettleOutcome {
    if (!this.options.allowed()) return 'lost';
    const pending = this.options.group.owned(lease);
    if (typeof pending === 'string') return pending;
    pending.count = lease.attempt - 1;
    pending.deliveredAt = this.options.clock.now();
    return 'settled';
  }

  /** Makes another consumer the owner. A run that was counted and did not start is taken back. */
  handOver(lease: FeedLease, consumer: string, maxWaiting: number): HandOverOutcome {
    const pending = this.ownedWithData(lease);
    if (typeof pending === 'string') return pending === 'trimmed' ? 'gone' : pending;
    const { group, clock } = this.options;
    if (group.countHanded(consumer) >= maxWaiting) return 'full';
    const count = lease.charged ? lease.attempt - 1 : lease.attempt;
    group.handOver(pending, consumer, count, clock.now());
    return 'handed';
  }

  /**
   * The outcome where the receiver does not take the entry: this consumer may have lost it
   * meanwhile.
   */
  refusal(lease: FeedLease): HandOverOutcome {
    const fence = this.fence(lease);
    return fence === 'owned' ? 'refused' : fence;
  }

  private ownedWithData(lease: FeedLease): Pending | 'lost' | 'gone' | 'trimmed' {
    const { group } = this.options;
    if (!this.options.allowed()) return 'lost';
    const pending = group.owned(lease);
    if (typeof pending === 'string' || !group.dropIfTrimmed(lease.position)) return pending;
    reportCount(this.options, 'trimmed', 1);
    return 'trimmed';
  }
}
