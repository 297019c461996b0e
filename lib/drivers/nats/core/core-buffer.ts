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
