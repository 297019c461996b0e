/**
 * A set of offsets, as ranges in their order. Adding costs little where offsets come mostly in order:
 * there are never more ranges than gaps between them.
 */
export class OffsetRanges {
  /** Start and end (not included) of each range in turn, rising; ranges do not touch. */
  private bounds: number[];

  constructor(ranges: Iterable<readonly [number, number]> = []) {
    this.bounds = [];
    for (const [from, to] of ranges) this.add(from, to);
  }

  /** Number of ranges. */
  get size(): number {
    return this.bounds.length / 2;
  }

  /** The offset behind the last one of the set; 0 where it is empty. */
  get end(): number {
    return this.bounds.at(-1) ?? 0;
  }

  has(offset: number): boolean {
    return this.boundsUpTo(offset) % 2 === 1;
  }

  /** Adds all offsets from `from` up to and without `to`. */
  add(from: number, to: number): void {
    const { bounds } = this;
    if (from >= to) return;
    const { length } = bounds;
    if (length === 0 || from > bounds[length - 1]!) return void bounds.push(from, to);
    if (from === bounds[length - 1]) return void (bounds[length - 1] = to);
    // A range that ends at `from`, or begins at `to`, becomes part of the new one.
    let first = this.boundsUpTo(from);
    const last = this.boundsUpTo(to);
    const added: number[] = [];
    if (first % 2 === 0 && bounds[first - 1] === from) first--;
    if (first % 2 === 0) added.push(from);
    if (last % 2 === 0) added.push(to);
    if (first === last && added.length === 0) return;
    bounds.splice(first, Math.max(0, last - first), ...added);
  }

  /** Removes what is below this offset. Returns the first offset from there on that is not in the set. */
  cutBelow(offset: number): number {
    const passed = this.boundsUpTo(offset);
    const isInside = passed % 2 === 1;
    const next = isInside ? this.bounds[passed]! : offset;
    const removed = isInside ? passed + 1 : passed;
    if (removed > 0) this.bounds.splice(0, removed);
    return next;
  }

  /** How many offsets of the set are below this one. */
  countBelow(offset: number): number {
    let count = 0;
    for (const [from, to] of this) {
      if (from >= offset) break;
      count += Math.min(to, offset) - from;
    }
    return count;
  }

  /** The same set without its last ranges. */
  firstRanges(count: number): OffsetRanges {
    const some = new OffsetRanges();
    some.bounds = this.bounds.slice(0, 2 * count);
    return some;
  }

  copy(): OffsetRanges {
    return this.firstRanges(this.size);
  }

  *[Symbol.iterator](): Iterator<readonly [number, number]> {
    for (let at = 0; at < this.bounds.length; at += 2)
      yield [this.bounds[at]!, this.bounds[at + 1]!];
  }

  /** Offsets in order that are not in the set, from `from` up to and without `to`. */
  *missing(from: number, to: number): Generator<number> {
    let next = from;
    for (const [start, end] of this) {
      for (; next < start && next < to; next++) yield next;
      if (next < end) next = end;
    }
    for (; next < to; next++) yield next;
  }

  /** Number of bounds that are at most `offset`: odd where the offset is in a range. */
  private boundsUpTo(offset: number): number {
    const { bounds } = this;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (bounds[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
