import { GroupNotFoundError } from '../../../core/errors/group.errors.js';
import type { Clock } from '../../../core/clock.js';
import type { StreamsEvents } from '../../../core/events.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../../../core/lease.js';
import type { Fields } from '../../../core/message.js';
import type { HandOverOutcome } from '../../../ports/live-consumers.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { ConsumerGroup, Pending } from '../broker/consumer-group.js';
import type { EntryLog } from '../broker/entry-log.js';
import { MemoryLease, type LeaseOrigin } from './memory.lease.js';

export interface FeedOptions {
  /** Name of the stream, without the key prefix. */
  readonly stream: string;
  readonly groupName: string;
  readonly consumer: string;
  readonly idleTimeout: number;
  readonly entries: EntryLog;
  readonly group: ConsumerGroup;
  readonly redriven: boolean;
  readonly clock: Clock;
  readonly events: EventBus;
  /** Whether the guards of the subscription hold. */
  readonly allowed: () => boolean;
  /** All pending entries come first, no matter which consumer owns them. */
  readonly takesOver: boolean;
  /** Whether a consumer of the group reads: entries that were handed to it are kept for it. */
  readonly isReading: (consumer: string) => boolean;
}

export type FeedLease = MemoryLease<Feed>;

/** The lease, where this driver made it; otherwise undefined. */
export const asFeedLease = (lease: Lease): FeedLease | undefined =>
  lease instanceof MemoryLease ? lease : undefined;

/** One consumer's part in one group on one log: the entries that it holds, and their fence. */
export class Feed implements LeaseOrigin {
  readonly held = new Map<number, FeedLease>();
  /** Entries that stay pending by policy, and are not handed out here again. */
  private readonly left = new Set<number>();
  private toldOfDeletion = false;
  /** Some entries that were pending when this consumer began were not handed to it yet. */
  private takingOver: boolean;

  constructor(private readonly options: FeedOptions) {
    this.takingOver = options.takesOver;
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

  /** Number of entries that could be handed out at once. */
  countReady(): number {
    const { group } = this.options;
    const released = group.countReleased((position) => !this.knows(position));
    return group.countUnread() + released + group.countHanded(this.consumer);
  }

  takeNew(limit: number): FeedLease[] {
    const { group, clock } = this.options;
    if (this.takingOver) return [];
    this.tellOfDeletion();
    return group.read(this.consumer, limit, clock.now()).flatMap((position) => {
      const known = this.held.get(position);
      if (!known) return [this.hold(position, 1, true)];
      // The group was moved back and has delivered the entry anew: the run goes on, under the new
      // count.
      known.attempt = 1;
      return [];
    });
  }

  /**
   * Takes released entries, and those that were handed to this consumer. Where it is `due`, also
   * entries that other consumers did not keep fresh, and entries that an earlier process of this
   * name read.
   */
  takeOver(limit: number, due: boolean): FeedLease[] {
    const { group, clock } = this.options;
    const some = due || this.takingOver || group.hasReleased || group.hasHanded;
    if (limit === 0 || !some) return [];
    const now = clock.now();
    const wanted = (position: number, pending: Pending) => this.isFree(position, pending, due, now);
    const { claims, dropped } = group.claim(this.consumer, limit, now, wanted);
    if (claims.length < limit) this.takingOver = false;
    const adopted = claims.filter(({ from }) => from === this.consumer).length;
    const released = claims.filter(({ from }) => from === undefined).length;
    const leases = claims.map(({ position, count }) => this.hold(position, count, false));
    this.report('adopted', adopted);
    this.report('reclaimed', claims.length - adopted - released);
    this.report('trimmed', dropped);
    return leases;
  }

  /** Takes only entries that were handed to this consumer. */
  takeHanded(limit: number): FeedLease[] {
    const { group, clock, consumer } = this.options;
    if (limit === 0 || !group.hasHanded) return [];
    const wanted = (_: number, pending: Pending): boolean =>
      pending.handed === true && pending.consumer === consumer;
    const { claims, dropped } = group.claim(consumer, limit, clock.now(), wanted);
    this.report('trimmed', dropped);
    return claims.map(({ position, count }) => this.hold(position, count, false));
  }

  /** Entries may be pending that are not known here. All of them are handed out before new ones. */
  again(): void {
    this.takingOver = true;
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
    this.forget(lease);
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
    this.forget(lease);
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

  forget(lease: FeedLease, left = false): void {
    // An old lease must not remove a newer one of the same entry.
    if (this.held.get(lease.position) === lease) this.held.delete(lease.position);
    if (left) this.left.add(lease.position);
  }

  /** Forgets left entries that are not pending any more. */
  forgetLeft(): void {
    for (const position of this.left) {
      if (!this.options.group.isPending(position)) this.left.delete(position);
    }
  }

  /**
   * Emitted once: the group was deleted on purpose, and nothing is read until it is created again.
   */
  private tellOfDeletion(): void {
    const { events, stream, groupName, group } = this.options;
    if (group.deleted && !this.toldOfDeletion) {
      const error = new GroupNotFoundError(stream, groupName, 'deleted');
      events.emit('stream-unreadable', { stream, group: groupName, error });
    }
    this.toldOfDeletion = group.deleted;
  }

  private knows(position: number): boolean {
    return this.held.has(position) || this.left.has(position);
  }

  private isFree(position: number, pending: Pending, due: boolean, now: number): boolean {
    const held = this.held.get(position);
    // Another consumer took the offered entry, and it is free again.
    if (held?.offered && (pending.handed || pending.consumer !== this.consumer)) this.forget(held);
    if (pending.handed) return this.isHandedHere(pending, due);
    if (this.knows(position)) return false;
    if (pending.consumer === undefined || this.takingOver) return true;
    if (!due) return false;
    const own = pending.consumer === this.consumer;
    return own || now - pending.deliveredAt >= this.options.idleTimeout;
  }

  /** Any consumer may take an entry that waits for a consumer which reads no more. */
  private isHandedHere({ consumer }: Pending, due: boolean): boolean {
    if (consumer === this.consumer || this.takingOver) return true;
    return due && !this.options.isReading(consumer!);
  }

  private ownedWithData(lease: FeedLease): Pending | 'lost' | 'gone' | 'trimmed' {
    const { group } = this.options;
    if (!this.options.allowed()) return 'lost';
    const pending = group.owned(lease);
    if (typeof pending === 'string' || !group.dropIfTrimmed(lease.position)) return pending;
    this.report('trimmed', 1);
    return 'trimmed';
  }

  protected hold(position: number, attempt: number, charged: boolean): FeedLease {
    const entry = this.options.entries.at(position)!;
    const lease = new MemoryLease(this, position, entry, attempt, charged);
    this.held.set(position, lease);
    return lease;
  }

  private report(event: 'adopted' | 'reclaimed' | 'trimmed', count: number): void {
    if (count === 0) return;
    const { events, stream, groupName: group } = this.options;
    events.emit(event, { stream, group, count } satisfies StreamsEvents[typeof event]);
  }
}
