import { compareEntryIds } from '../../entry-ids/entry-id.js';
import type { Fields } from '../../../core/message.js';

/** An entry as it is stored. */
export interface Entry {
  readonly id: string;
  /** In milliseconds since the epoch. */
  readonly publishedAt: number;
  readonly fields: Fields;
}

/** A reader for which the log keeps entries. */
export interface LogReader {
  /** The oldest position that the reader still needs. */
  readonly floor: number;
}

/** Entries in order, each at a position that never changes. */
export class EntryLog {
  private readonly readers: LogReader[] = [];
  private readonly entries: (Entry | undefined)[] = [];
  private start = 0;
  private settledSinceSweep = 0;
  /** Id of the last appended entry, deleted or not. */
  lastId = '0-0';

  /** @param history entries that no reader needs and that are kept for later readers */
  constructor(private readonly history: number) {}

  /** The position that the next entry will have. */
  get end(): number {
    return this.start + this.entries.length;
  }

  append(entry: Entry): void {
    this.entries.push(entry);
    this.lastId = entry.id;
  }

  /** Undefined where the entry was deleted or forgotten. */
  at(position: number): Entry | undefined {
    return this.entries[position - this.start];
  }

  first(): Entry | undefined {
    return this.entries.find((entry) => entry !== undefined);
  }

  /** Number of entries that are not deleted. */
  count(): number {
    return this.entries.filter((entry) => entry !== undefined).length;
  }

  /** Where to begin: `0` at the first entry, `$` at the next new one, otherwise behind this id. */
  positionBehind(id: string): number {
    if (id === '$') return this.end;
    const index = this.entries.findIndex((entry) => entry && compareEntryIds(entry.id, id) > 0);
    return index < 0 ? this.end : this.start + index;
  }

  /** Deletes an entry's data, as XDEL does: pending records of it stay. */
  delete(id: string): boolean {
    const index = this.entries.findIndex((entry) => entry?.id === id);
    if (index >= 0) this.entries[index] = undefined;
    return index >= 0;
  }

  keepFor(reader: LogReader): void {
    this.readers.push(reader);
  }

  /** Drops the oldest entries that no reader needs. Call it after each settlement. */
  forgetSettled(): void {
    // Moving the array's beginning costs its length, so it is done once per half a length.
    if (++this.settledSinceSweep < Math.max(this.history, this.entries.length >> 1)) return;
    this.settledSinceSweep = 0;
    const floor = Math.min(...this.readers.map((reader) => reader.floor));
    this.dropBefore(Math.min(floor, this.end - this.history));
  }

  /** Drops all entries before a position, even if readers need them. */
  dropBefore(position: number): void {
    const excess = position - this.start;
    if (excess <= 0) return;
    this.entries.splice(0, excess);
    this.start += excess;
  }

  /** The entries that are not deleted, oldest first. */
  *present(): Generator<[position: number, entry: Entry]> {
    for (const [index, entry] of this.entries.entries()) {
      if (entry) yield [this.start + index, entry];
    }
  }
}
