/** What can be in one chain at a time. Its fields are the chain's. */
export interface Link<T> {
  before: T | undefined;
  after: T | undefined;
  chain: object | undefined;
}

/**
 * A set of objects, in the order in which they were added, that are linked to each other.
 *
 * A `Set` through which many short-lived objects pass makes a new table every few hundred of them.
 * Tables that grew old keep what they held from being collected while it is young: nearly every
 * message would be collected late, and the heap be as large again.
 */
export class Chain<T extends Link<T>> implements Iterable<T> {
  size = 0;
  private first: T | undefined;
  private last: T | undefined;

  /** Adds an object that is in no chain. */
  add(item: T): void {
    item.chain = this;
    item.before = this.last;
    if (this.last) this.last.after = item;
    else this.first = item;
    this.last = item;
    this.size++;
  }

  /** @returns whether it was here */
  delete(item: T): boolean {
    if (!this.has(item)) return false;
    const { before, after } = item;
    if (before) before.after = after;
    else this.first = after;
    if (after) after.before = before;
    else this.last = before;
    // An old object that is left must not keep younger ones alive.
    item.before = item.after = item.chain = undefined;
    this.size--;
    return true;
  }

  has(item: T): boolean {
    return item.chain === this;
  }

  /** The present one may be deleted meanwhile. */
  *[Symbol.iterator](): Iterator<T> {
    for (let item = this.first; item;) {
      const { after } = item;
      yield item;
      item = this.has(item) ? item.after : after;
    }
  }
}
