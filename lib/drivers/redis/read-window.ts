import type { ReadKey } from './redis.lease.js';

/** Entries of one stream are acknowledged together: so many are worth a command of their own. */
const WORTH_ITS_ACK = 25;

/** What one read asks for. */
export interface Ask {
  readonly sources: readonly ReadKey[];
  /** Most entries of each. */
  readonly count: number;
  /** Whether to wait for what is to come. */
  readonly block: boolean;
  /** Streams that there are in all. */
  readonly all: number;
  readonly limit: number;
}

/** Which streams the next read asks for, so that many of them share the room for few entries. */
export class ReadWindow {
  /** With many streams and much to read: where the next window of streams begins. */
  private at = 0;
  private size = 1;
  private emptyInARow = 0;
  private sweeping = false;

  /** The streams are others now. */
  restart(): void {
    this.at = this.emptyInARow = 0;
  }

  next(keys: readonly ReadKey[], limit: number): Ask {
    const all = keys.length;
    // All streams at once: more than there is room for only once in a burst, where they are many.
    if (!this.sweeping) {
      const count = Math.max(1, Math.floor(limit / all));
      return { sources: keys, count, block: true, all, limit };
    }
    // A few streams at a time, in turn, until all of them were empty: many entries of each.
    const size = Math.min(this.size, all, limit);
    const sources = [...keys.slice(this.at), ...keys.slice(0, this.at)].slice(0, size);
    return { sources, count: Math.floor(limit / size), block: false, all, limit };
  }

  /** @param found entries that the read brought */
  brought({ sources, count, block, all, limit }: Ask, found: number): void {
    if (block) {
      this.sweeping = count < WORTH_ITS_ACK && found * 2 > limit;
      this.emptyInARow = 0;
      this.size = Math.ceil(limit / WORTH_ITS_ACK);
      return;
    }
    const size = sources.length;
    this.at = (this.at + size) % all;
    this.emptyInARow = found > 0 ? 0 : this.emptyInARow + size;
    this.sweeping = this.emptyInARow < all;
    if (found * 4 < limit) this.size = size * 2;
    else if (found === limit) this.size = Math.max(Math.ceil(limit / WORTH_ITS_ACK), size >> 1);
  }
}
