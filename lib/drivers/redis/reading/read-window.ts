import type { EntrySizes } from '../held-entries/entry-sizes.js';
import type { Clock } from '../../../core/clock.js';
import type { StreamEntries } from '../resp/reply-parser.js';
import type { ReadKey } from '../held-entries/redis.lease.js';

/** Entries of one stream are acknowledged together. This many are worth a command of their own. */
const WORTH_ITS_ACK = 25;
/** Least number of streams in one read of those that are not busy. */
const AT_A_LOOK = 50;

/** The entries of one key in one read. */
export interface ReadBatch {
  readonly source: ReadKey;
  readonly entries: StreamEntries;
}

/** The parameters of one read. */
export interface Ask {
  readonly sources: readonly ReadKey[];
  /** Most entries of each stream. */
  readonly count: number;
  /** All streams; otherwise `busy` ones, or `others`. Only a read of all streams waits. */
  readonly kind: 'all' | 'busy' | 'others';
}

/** How much a read may return. */
export interface ReadBounds {
  readonly entries: number;
  readonly bytes: number;
}

/**
 * Chooses the streams of the next read, so that many streams share the room for few entries. A
 * stream is busy as long as it returns as many entries as were asked for. Busy streams are read a
 * few at a time, in turn, with many entries of each. Now and then the other streams are read. Where
 * no stream is busy, one read waits for all.
 */
export class ReadWindow {
  /** In the order of their turns. */
  private busy = new Set<ReadKey>();
  private size = 1;
  /** Where the next read of the other streams begins. */
  private at = 0;
  private lookedAt = -Infinity;

  /**
   * @param round while some streams are busy, each other stream is read about this often, in
   * milliseconds
   */
  constructor(
    private readonly sizes: EntrySizes,
    private readonly clock: Pick<Clock, 'now'>,
    private readonly round: number,
  ) {}

  /** The streams have changed, or much may have been published: each stream may be busy. */
  restart(keys: readonly ReadKey[]): void {
    this.busy = new Set(keys);
    this.size = 1;
    this.at = 0;
    this.lookedAt = this.clock.now();
  }

  next(keys: readonly ReadKey[], bounds: ReadBounds): Ask {
    if (keys.length === 1) return { sources: keys, count: this.countOf(keys, bounds), kind: 'all' };
    if (this.busy.size === 0) {
      // Much may have been published since each stream was empty.
      const quiet = this.clock.now() - this.lookedAt < this.round;
      if (quiet || keys.length * this.sizes.largest <= bounds.bytes) {
        const count = Math.max(1, Math.floor(bounds.entries / keys.length));
        return { sources: keys, count: Math.min(count, this.countOf(keys, bounds)), kind: 'all' };
      }
      this.restart(keys);
    }
    return this.others(keys, bounds) ?? this.window(bounds);
  }

  /** Takes note of what a read returned. @returns the number of entries */
  brought({ sources, count, kind }: Ask, batches: readonly ReadBatch[]): number {
    let found = 0;
    if (kind === 'all') this.lookedAt = this.clock.now();
    if (kind === 'busy') for (const source of sources) this.busy.delete(source);
    for (const { source, entries } of batches) {
      found += entries.length;
      if (entries.length >= count) this.busy.add(source);
    }
    if (kind === 'busy') this.resize(sources.length, found, count * sources.length);
    return found;
  }

  /** Chooses a few busy streams whose turn it is. A stream with large entries comes alone. */
  private window(bounds: ReadBounds): Ask {
    const { entries, bytes } = bounds;
    const most = Math.max(1, Math.min(Math.max(this.size, worthAsking(entries)), entries));
    const sources: ReadKey[] = [];
    let together = 0;
    for (const source of this.busy) {
      // Few entries of an unknown stream may come: most streams are empty at first.
      const worth = this.sizes.knows(source.key) ? WORTH_ITS_ACK : 1;
      together += worth * this.sizes.of(source.key);
      if (sources.length > 0 && together > bytes) break;
      sources.push(source);
      if (sources.length === most) break;
    }
    return { sources, count: this.countOf(sources, bounds), kind: 'busy' };
  }

  /** Chooses part of the streams that are not busy, so that each has its turn once in a round. */
  private others(keys: readonly ReadKey[], { entries, bytes }: ReadBounds): Ask | undefined {
    const all = keys.length;
    const due = Math.ceil((all * (this.clock.now() - this.lookedAt)) / this.round);
    if (due < Math.min(all, AT_A_LOOK)) return undefined;
    this.lookedAt = this.clock.now();
    const fitting = Math.max(1, Math.floor(bytes / this.sizes.largest));
    const most = Math.min(due, Math.max(entries, AT_A_LOOK), fitting);
    const sources: ReadKey[] = [];
    for (let seen = 0; seen < all && sources.length < most; seen++) {
      const source = keys[this.at++ % all]!;
      if (!this.busy.has(source)) sources.push(source);
    }
    return sources.length > 0 ? { sources, count: 1, kind: 'others' } : undefined;
  }

  /** Number of entries of each stream, so that all of them are within the bounds: at least one. */
  countOf(sources: readonly ReadKey[], { entries, bytes }: ReadBounds): number {
    let size = 0;
    if (sources.length > AT_A_LOOK) size = sources.length * this.sizes.largest;
    else for (const { key } of sources) size += this.sizes.of(key);
    return Math.max(1, Math.floor(Math.min(entries / sources.length, bytes / size)));
  }

  /** Streams that return little are read many at a time. */
  private resize(size: number, found: number, asked: number): void {
    if (found * 4 < asked) this.size = size * 2;
    else if (found >= asked) this.size = Math.max(1, size >> 1);
  }
}

const worthAsking = (entries: number): number => Math.ceil(entries / WORTH_ITS_ACK);
