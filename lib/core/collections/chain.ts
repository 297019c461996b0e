/** An item that can be in one chain at a time. These fields belong to the chain. */
export interface Link<T> {
  before: T | undefined;
  after: T | undefined;
  chain: object | undefined;
}

/**
 * A set of objects that are linked to each other, in the order in which they were added.
 *
 * A `Set` through which many short-lived objects pass makes a new table every few hundred objects.
 * Old tables keep their objects from being collected early: nearly every message would be collected
 * late, and the heap would double.
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

  /** @returns whether the item was in this chain */
  delete(item: T): boolean {
    if (item.chain !== this) return false;
    const { before, after } = item;
    if (before) before.after = after;
    else this.first = after;
    if (after) after.before = before;
    else this.last = before;
    // A removed object must not keep younger objects alive.
    item.before = item.after = item.chain = undefined;
    this.size--;
    return true;
  }

  has(item: T): boolean {
    return item.chain === this;
  }

  /** The current item may be deleted during the iteration. */
  *[Symbol.iterator](): Iterator<T> {
    for (let item = this.first; item;) {
      const { after } = item;
      yield item;
      item = this.has(item) ? item.after : after;
    }
  }
}
