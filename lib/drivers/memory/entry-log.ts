import type { Fields } from '../../core/message.js';
import { ConsumerGroup } from './consumer-group.js';
import { compareIds } from './entry-id.js';

/** An entry as it is stored. */
export interface Entry {
  readonly id: string;
  /** ms since the epoch. */
  readonly publishedAt: number;
  readonly fields: Fields;
}

/** Entries in the order they came, each at a position that never changes, and the groups on them. */
export class EntryLog {
  private readonly groups = new Map<string, ConsumerGroup>();
  private readonly entries: (Entry | undefined)[] = [];
  private start = 0;
  private settledSinceSweep = 0;

  /** @param history entries that every group has settled, and that are kept for groups to come */
  constructor(private readonly history: number) {}

  /** The position that the next entry will have. */
  get end(): number {
    return this.start + this.entries.length;
  }

  append(entry: Entry): void {
    this.entries.push(entry);
  }

  /** Undefined where the entry was deleted or forgotten. */
  at(position: number): Entry | undefined {
    return this.entries[position - this.start];
  }

  /** Deletes an entry's data, as XDEL does: pending records of it stay. */
  delete(id: string): boolean {
    const index = this.entries.findIndex((entry) => entry?.id === id);
    if (index >= 0) this.entries[index] = undefined;
    return index >= 0;
  }

  /** The group of this name; where there is none, a new one that begins behind `startId`. */
  group(name: string, startId: string): ConsumerGroup {
    let group = this.groups.get(name);
    if (!group) {
      group = new ConsumerGroup(this, this.positionBehind(startId));
      this.groups.set(name, group);
    }
    return group;
  }

  /** Drops the oldest entries that no group needs. To be called after each settlement. */
  forgetSettled(): void {
    // Moving the array's beginning costs its length, so it is done once per half a length.
    if (++this.settledSinceSweep < Math.max(this.history, this.entries.length >> 1)) return;
    this.settledSinceSweep = 0;
    const floor = Math.min(...[...this.groups.values()].map((group) => group.floor));
    const excess = Math.min(floor - this.start, this.entries.length - this.history);
    if (excess <= 0) return;
    this.entries.splice(0, excess);
    this.start += excess;
  }

  private positionBehind(id: string): number {
    if (id === '$') return this.end;
    const index = this.entries.findIndex((entry) => entry && compareIds(entry.id, id) > 0);
    return index < 0 ? this.end : this.start + index;
  }
}
