import { delayedId, type DelayedRecord, type Promoted } from '../../../ports/delays.js';
import type { Fields } from '../../../core/message.js';

/** Most entries moved at once, as on Redis. */
const MOST_AT_ONCE = 1000;

/** Entries of one stream that are published later. */
export class DelayedEntries {
  /** Ordered by due time; entries of the same time as they were added. */
  private readonly entries: DelayedRecord[] = [];
  private count = 0;

  get inOrder(): readonly DelayedRecord[] {
    return this.entries;
  }

  add(fields: Fields, dueAt: number): string {
    const id = delayedId(String(++this.count).padStart(16, '0'));
    this.insert({ id, dueAt, fields: [...fields] });
    return id;
  }

  cancel(id: string): boolean {
    return this.remove(id) !== undefined;
  }

  reschedule(id: string, dueAt: number): boolean {
    const entry = this.remove(id);
    if (entry) this.insert({ ...entry, dueAt });
    return entry !== undefined;
  }

  promote(now: number, append: (fields: Fields) => void): Promoted {
    const end = Math.min(this.placeBehind({ id: '', dueAt: now + 1 }), MOST_AT_ONCE);
    const due = this.entries.splice(0, end);
    for (const { fields } of due) append(fields);
    const [next] = this.entries;
    return { moved: due.length, lost: 0, nextIn: next && Math.max(0, next.dueAt - now) };
  }

  private insert(entry: DelayedRecord): void {
    this.entries.splice(this.placeBehind(entry), 0, entry);
  }

  private remove(id: string): DelayedRecord | undefined {
    const index = this.entries.findIndex((entry) => entry.id === id);
    return index < 0 ? undefined : this.entries.splice(index, 1)[0];
  }

  /** The number of entries before it. */
  private placeBehind(place: Pick<DelayedRecord, 'id' | 'dueAt'>): number {
    let [from, to] = [0, this.entries.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (compareDelayed(this.entries[middle]!, place) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** Negative where `a` comes first. All ids have the same length, and they rise. */
export function compareDelayed(
  a: Pick<DelayedRecord, 'id' | 'dueAt'>,
  b: Pick<DelayedRecord, 'id' | 'dueAt'>,
): number {
  return a.dueAt - b.dueAt || (a.id < b.id ? -1 : Number(a.id > b.id));
}
