import type { Lease } from 'nestjs-redis-streams/driver';
import type { Change, GroupChange, Redriven } from './changes.js';
import type { StoredEntry, StreamLog } from './stream.log.js';

/** What a group knows of an entry that was handed out and is not settled. */
export interface Pending {
  readonly key: string;
  readonly entry: number | Redriven;
  /** Runs that were charged. */
  runs: number;
  /** The lease that was handed out last: the fence. No other lease may settle the entry. */
  lease?: Lease | undefined;
  /** When its consumer last showed that it holds the entry. By `now` of the clock: never stored. */
  freshAt?: number;
  /**
   * Any consumer may take the entry at once, except this one. What a process had when it died is
   * free for the consumers of the next process.
   */
  free?: { readonly except?: string } | undefined;
}

/**
 * How far a group has read a stream, and what is pending. Only `apply` changes what is stored: `read`,
 * which entries are pending, and their `runs`.
 */
export class Group {
  /** By key, oldest first. */
  readonly pending = new Map<string, Pending>();
  /** Entries up to this id were handed out. Undefined: no consumer has subscribed yet. */
  read: number | undefined;

  constructor(
    readonly log: StreamLog,
    /** The names of the stream, with its key prefix, and of the group. */
    readonly name: { readonly stream: string; readonly group: string },
  ) {}

  apply(change: GroupChange): void {
    switch (change.do) {
      case 'read':
        return this.readTo(change.to);
      case 'runs':
        return this.setRuns(change.entry, change.runs);
      case 'settle':
        return void this.pending.delete(change.key);
    }
  }

  entryOf({ entry }: Pending): StoredEntry | Redriven {
    return typeof entry === 'number' ? this.log.read(entry) : entry;
  }

  /** Nothing before the oldest pending entry is pending. Undefined: nothing is settled. */
  settledUpTo(): string | undefined {
    const oldest = [...this.pending.values()].find(({ entry }) => typeof entry === 'number');
    const upTo = oldest ? Number(oldest.entry) - 1 : (this.read ?? 0);
    return upTo > 0 ? String(upTo) : undefined;
  }

  *changes(): Iterable<Change> {
    if (this.read !== undefined) yield { do: 'read', ...this.name, to: this.read };
    for (const { entry, runs } of this.pending.values()) {
      yield { do: 'runs', ...this.name, entry, runs };
    }
  }

  /** Each entry is charged with its first run. */
  private readTo(id: number): void {
    const ids = this.read === undefined ? [] : this.log.idsBehind(this.read, id - this.read);
    for (const next of ids) if (next <= id) this.setRuns(next, 1);
    this.read = id;
    this.log.reserve(id);
  }

  private setRuns(entry: number | Redriven, runs: number): void {
    const key = keyOf(entry);
    const known = this.pending.get(key);
    if (known) known.runs = runs;
    // A stream may have lost its last entries: by a power failure, without `sync`.
    else if (typeof entry !== 'number' || this.log.has(entry))
      this.pending.set(key, { key, entry, runs, free: {} });
  }
}

/** A message that is redriven twice is pending twice: each time it was another letter. */
const keyOf = (entry: number | Redriven): string =>
  typeof entry === 'number' ? String(entry) : `letter ${entry.letter}`;
