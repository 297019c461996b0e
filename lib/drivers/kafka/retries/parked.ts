/** A record that waits until it is due. */
interface Waiting<T> {
  readonly item: T;
  /** Milliseconds since the epoch. */
  readonly dueAt: number;
  /** Counts up: those that are due at the same time are taken in the order in which they were added. */
  readonly turn: number;
  readonly bytes: number;
}

/** Most records of one partition that wait in memory. */
const MOST = 10_000;
/** Most bytes of these records. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Records of one partition of a retry topic that were read and are not due yet. The one that is due first is
 * taken first.
 */
export class Parked<T> {
  /** A binary heap: no entry is due before its parent, which is at half its index. */
  private readonly heap: Waiting<T>[] = [];
  private turns = 0;
  private held = 0;

  constructor(
    private readonly most = MOST,
    private readonly mostBytes = MOST_BYTES,
  ) {}

  get size(): number {
    return this.heap.length;
  }

  get bytes(): number {
    return this.held;
  }

  /** No more should be read until some were taken. Adding goes on to work: a batch is added whole. */
  get isFull(): boolean {
    return this.heap.length >= this.most || this.held >= this.mostBytes;
  }

  /** When the next one is due, in milliseconds since the epoch. Undefined: none waits. */
  get nextDue(): number | undefined {
    return this.heap[0]?.dueAt;
  }

  add(item: T, dueAt: number, bytes: number): void {
    this.held += bytes;
    this.heap.push({ item, dueAt, bytes, turn: this.turns++ });
    this.rise(this.heap.length - 1);
  }

  /** Takes `limit` items at most that are due at this time, in milliseconds since the epoch. */
  takeDue(now: number, limit: number): T[] {
    const taken: T[] = [];
    while (taken.length < limit && this.heap[0] && this.heap[0].dueAt <= now) {
      taken.push(this.takeFirst());
    }
    return taken;
  }

  /** Forgets all. */
  clear(): void {
    this.heap.length = 0;
    this.held = 0;
  }

  private takeFirst(): T {
    const first = this.heap[0]!;
    const last = this.heap.pop()!;
    this.held -= first.bytes;
    if (last !== first) {
      this.heap[0] = last;
      this.sink();
    }
    return first.item;
  }

  private rise(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(at, parent)) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  private sink(): void {
    let at = 0;
    for (;;) {
      let first = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.heap.length && this.isBefore(child, first)) first = child;
      }
      if (first === at) return;
      this.swap(at, first);
      at = first;
    }
  }

  private isBefore(one: number, other: number): boolean {
    const [a, b] = [this.heap[one]!, this.heap[other]!];
    return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.turn < b.turn);
  }

  private swap(one: number, other: number): void {
    const { heap } = this;
    [heap[one], heap[other]] = [heap[other]!, heap[one]!];
  }
}
