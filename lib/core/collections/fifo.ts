/** Items in the order in which they came. To take the first costs the same however many there are. */
export class Fifo<T> {
  private items: (T | undefined)[] = [];
  private taken = 0;

  get size(): number {
    return this.items.length - this.taken;
  }

  /** The item that is taken next. Undefined: there is none. */
  get first(): T | undefined {
    return this.items[this.taken];
  }

  add(item: T): void {
    this.items.push(item);
  }

  take(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.items[this.taken];
    // The list must not keep what was taken.
    this.items[this.taken++] = undefined;
    if (this.taken >= this.items.length / 2) this.compact();
    return item;
  }

  /** Takes all that is there. */
  takeAll(): T[] {
    const all = this.items.slice(this.taken) as T[];
    this.items = [];
    this.taken = 0;
    return all;
  }

  /** Moves what is left to the front. As many were taken as are moved, so that each costs little. */
  private compact(): void {
    this.items = this.items.slice(this.taken);
    this.taken = 0;
  }
}
