import type { Lease } from 'nestjs-redis-streams/driver';
import type { Change, Redriven } from './changes.js';
import type { StoredEntry, StreamLog } from './stream.log.js';

/** What a group knows of an entry that was handed out and is not settled. */
export interface Pending {
  readonly key: string;
  readonly entry: number | Redriven;
  /** Runs that were charged. */
  runs: number;
  /** The lease that was handed out last: the fence. No other lease may settle the entry. */
  lease?: Lease | undefined;
  /** When its consumer last showed that it holds the entry. */
  freshAt?: number;
  /**
   * Any consumer may take the entry at once, except this one. What a process had when it died is
   * free for the consumers of the next process.
   */
  free?: { readonly except?: string } | undefined;
}

/**
 * How far a group has read a stream, and what is pending. Only the journal changes what is durable:
 * `read`, which entries are pending, and their `runs`.
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

  /** Hands out all entries up to this id, each charged with its first run. The first time: begins behind it. */
  readTo(id: number): void {
    const ids = this.read === undefined ? [] : this.log.idsBehind(this.read, id - this.read);
    for (const next of ids) if (next <= id) this.setRuns(next, 1);
    this.read = id;
    this.log.reserve(id);
  }

  setRuns(entry: number | Redriven, runs: number): void {
    const key = keyOf(entry);
    const known = this.pending.get(key);
    if (known) known.runs = runs;
    // A stream may have lost its last entries: by a power failure, without `sync`.
    else if (typeof entry !== 'number' || this.log.has(entry))
      this.pending.set(key, { key, entry, runs, free: {} });
  }

  settle(key: string): void {
    this.pending.delete(key);
  }

  entryOf({ entry }: Pending): StoredEntry | Redriven {
    return typeof entry === 'number' ? this.log.read(entry) : entry;
  }

  settledUpTo(): number {
    for (const { entry } of this.pending.values()) if (typeof entry === 'number') return entry - 1;
    return this.read ?? 0;
  }

  *changes(): Iterable<Change> {
    if (this.read !== undefined) yield { do: 'read', ...this.name, to: this.read };
    for (const { entry, runs } of this.pending.values()) {
      yield { do: 'runs', ...this.name, entry, runs };
    }
  }
}

/** A message that is redriven twice is pending twice: each time it was another letter. */
export const keyOf = (entry: number | Redriven): string =>
  typeof entry === 'number' ? String(entry) : `letter ${entry.letter}`;
