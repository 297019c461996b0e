/** Messages that have arrived and wait to be handed out: most of them, and most bytes. */
export interface BufferLimits {
  readonly messages: number;
  readonly bytes: number;
}

/** How much all streams of a subscription have in their buffers. */
export class BufferUse {
  messages = 0;
  bytes = 0;

  constructor(private readonly limits: BufferLimits) {}

  /** Whether a message of this size, in bytes, may be added. */
  admits(size: number): boolean {
    return this.messages < this.limits.messages && this.bytes + size <= this.limits.bytes;
  }

  add(size: number): void {
    this.messages++;
    this.bytes += size;
  }

  remove(size: number): void {
    this.messages--;
    this.bytes -= size;
  }
}

/** Items in the order in which they came. To take the first costs the same however many there are. */
export class Fifo<T> {
  private items: T[] = [];
  private taken = 0;

  get size(): number {
    return this.items.length - this.taken;
  }

  add(item: T): void {
    this.items.push(item);
  }

  take(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.items[this.taken];
    // The list must not keep what was taken.
    this.items[this.taken++] = undefined as never;
    if (this.taken >= 1024 || this.taken === this.items.length) {
      this.items = this.items.slice(this.taken);
      this.taken = 0;
    }
    return item;
  }
}
