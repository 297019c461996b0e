import { GroupNotFoundError } from '../../../core/errors/group.errors.js';
import type { StreamsEvents } from '../../../core/events.js';
import type { Pending } from '../broker/pending-entry.js';
import type { FeedOptions } from './feed-options.js';
import type { HeldEntries } from './held-entries.js';
import type { LeaseOrigin, MemoryLease } from './memory.lease.js';

/** Takes the entries that a consumer gets next: new ones, and pending ones that it may take over. */
export class EntryTaking<Origin extends LeaseOrigin> {
  private toldOfDeletion = false;
  /** Some entries that were pending when this consumer began were not handed to it yet. */
  private takingOver: boolean;

  constructor(
    private readonly options: FeedOptions,
    private readonly held: HeldEntries<Origin>,
  ) {
    this.takingOver = options.takesOver;
  }

  /** Number of entries that could be handed out at once. */
  countReady(): number {
    const { group } = this.options;
    const released = group.countReleased((position) => !this.held.knows(position));
    return group.countUnread() + released + group.countHanded(this.options.consumer);
  }

  takeNew(limit: number): MemoryLease<Origin>[] {
    const { group, clock } = this.options;
    if (this.takingOver) return [];
    this.tellOfDeletion();
    return group.read(this.options.consumer, limit, clock.now()).flatMap((position) => {
      const known = this.held.at(position);
      if (!known) return [this.held.hold(position, 1, true)];
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
  takeOver(limit: number, due: boolean): MemoryLease<Origin>[] {
    const { group, clock } = this.options;
    const some = due || this.takingOver || group.hasReleased || group.hasHanded;
    if (limit === 0 || !some) return [];
    const now = clock.now();
    const wanted = (position: number, pending: Pending) => this.isFree(position, pending, due, now);
    const { claims, dropped } = group.claim(this.options.consumer, limit, now, wanted);
    if (claims.length < limit) this.takingOver = false;
    const adopted = claims.filter(({ from }) => from === this.options.consumer).length;
    const released = claims.filter(({ from }) => from === undefined).length;
    const leases = claims.map(({ position, count }) => this.held.hold(position, count, false));
    reportCount(this.options, 'adopted', adopted);
    reportCount(this.options, 'reclaimed', claims.length - adopted - released);
    reportCount(this.options, 'trimmed', dropped);
    return leases;
  }

  /** Takes only entries that were handed to this consumer. */
  takeHanded(limit: number): MemoryLease<Origin>[] {
    const { group, clock, consumer } = this.options;
    if (limit === 0 || !group.hasHanded) return [];
    const wanted = (_: number, pending: Pending): boolean =>
      pending.handed === true && pending.consumer === consumer;
    const { claims, dropped } = group.claim(consumer, limit, clock.now(), wanted);
    reportCount(this.options, 'trimmed', dropped);
    return claims.map(({ position, count }) => this.held.hold(position, count, false));
  }

  /** Entries may be pending that are not known here. All of them are handed out before new ones. */
  again(): void {
    this.takingOver = true;
  }

  /**
   * Emitted once: the group was deleted on purpose, and nothing is read until it is created again.
   */
  private tellOfDeletion(): void {
    const { events, stream, groupName, group, consumer } = this.options;
    if (group.deleted && !this.toldOfDeletion) {
      const error = new GroupNotFoundError(stream, groupName, 'deleted');
      events.emit('stream-unreadable', { stream, group: groupName, consumer, error });
    }
    this.toldOfDeletion = group.deleted;
  }

  private isFree(position: number, pending: Pending, due: boolean, now: number): boolean {
    const held = this.held.at(position);
    // Another consumer took the offered entry, and it is free again.
    if (held?.offered && (pending.handed || pending.consumer !== this.options.consumer))
      this.held.forget(held);
    if (pending.handed) return this.isHandedHere(pending, due);
    if (this.held.knows(position)) return false;
    if (pending.consumer === undefined || this.takingOver) return true;
    if (!due) return false;
    const own = pending.consumer === this.options.consumer;
    return own || now - pending.deliveredAt >= this.options.idleTimeout;
  }

  /** Any consumer may take an entry that waits for a consumer which reads no more. */
  private isHandedHere({ consumer }: Pending, due: boolean): boolean {
    if (consumer === this.options.consumer || this.takingOver) return true;
    return due && !this.options.isReading(consumer!);
  }
}

/** Emits the event, unless there is no such entry. */
export function reportCount(
  { events, stream, groupName: group }: FeedOptions,
  event: 'adopted' | 'reclaimed' | 'trimmed',
  count: number,
): void {
  if (count === 0) return;
  events.emit(event, { stream, group, count } satisfies StreamsEvents[typeof event]);
}
