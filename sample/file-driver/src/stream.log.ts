import { DamagedFileError } from './file.errors.js';
import { LineLog } from './line.log.js';

/** An entry of a stream, as its line has it. */
export interface StoredEntry {
  /** Rises by one with each entry. After a power failure ids may be missing. */
  readonly id: number;
  /** In milliseconds since the epoch. */
  readonly publishedAt: number;
  readonly fields: readonly string[];
}

/** The entries of a stream, in a file of its own. Memory has only where each of them begins. */
export class StreamLog {
  private readonly ids: number[] = [];
  private readonly offsets: number[] = [];
  private readonly log: LineLog;
  /** Ids up to this one were given to an entry. */
  private last = 0;

  /** @throws DamagedFileError */
  constructor(path: string, onRepaired: (path: string, bytes: number) => void) {
    this.log = new LineLog(path);
    const cut = this.log.open(({ number, offset, value }) => {
      const problem = problemOf(value, this.last);
      if (problem) throw new DamagedFileError(path, number, problem);
      this.note((value as StoredEntry).id, offset);
    });
    if (cut > 0) onRepaired(path, cut);
  }

  get lastId(): number {
    return this.last;
  }

  /** No entry gets an id up to this one: a group has read as far, and would skip the entry. */
  reserve(id: number): void {
    this.last = Math.max(this.last, id);
  }

  append(entry: StoredEntry): void {
    const [offset] = this.log.append([entry]);
    this.note(entry.id, offset!);
  }

  /** For a step that is carried out again: the stream may have its entry. */
  appendOnce(entry: StoredEntry): void {
    if (entry.id > this.last) this.append(entry);
  }

  has(id: number): boolean {
    return this.ids[this.indexBehind(id - 1)] === id;
  }

  /** An entry that the stream has. */
  read(id: number): StoredEntry {
    const at = this.indexBehind(id - 1);
    return this.log.read(this.offsets[at]!, this.offsets[at + 1]) as StoredEntry;
  }

  /** The ids behind this one, `limit` at most, in their order. */
  idsBehind(id: number, limit: number): readonly number[] {
    const at = this.indexBehind(id);
    return this.ids.slice(at, at + limit);
  }

  sync(): void {
    this.log.sync();
  }

  close(): void {
    this.log.close();
  }

  private note(id: number, offset: number): void {
    this.ids.push(id);
    this.offsets.push(offset);
    this.last = id;
  }

  /** Index of the first entry behind an id. */
  private indexBehind(id: number): number {
    let low = 0;
    for (let high = this.ids.length; low < high;) {
      const middle = (low + high) >>> 1;
      if (this.ids[middle]! <= id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function problemOf(value: unknown, last: number): string | undefined {
  const { id, publishedAt, fields } = (value ?? {}) as Partial<StoredEntry>;
  if (!Number.isSafeInteger(id) || typeof publishedAt !== 'number' || !Array.isArray(fields)) {
    return 'the line is no entry with id, publishedAt and fields';
  }
  return id! > last ? undefined : `the id ${id} does not come after ${last}`;
}
