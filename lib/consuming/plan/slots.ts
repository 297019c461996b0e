/**
 * The slots of a transport, or of a consumer with a concurrency of its own.
 * @param maxOverrun @default the concurrency; none where that is 1
 */
export function slotsFor(concurrency: number, maxOverrun: number | undefined): Slots {
  return new Slots(concurrency, maxOverrun ?? (concurrency === 1 ? 0 : concurrency));
}

/** A limited number of slots. Waiting callers get free slots in their order. */
export class Slots {
  private used = 0;
  private lent = 0;
  readonly waiting: (() => void)[] = [];

  /** @param mostLent most slots that overrunning methods give back */
  constructor(
    public limit: number,
    private readonly mostLent = 0,
  ) {}

  get free(): number {
    return this.limit - this.used;
  }

  tryTake(): boolean {
    if (this.used >= this.limit) return false;
    this.used++;
    return true;
  }

  /**
   * Calls `wake` once, when a slot is free and it is the caller's turn; `wake` may then call
   * `tryTake`.
   */
  whenFree(wake: () => void): void {
    this.waiting.push(wake);
  }

  release(): void {
    this.used--;
    this.waiting.shift()?.();
  }

  /** @returns whether an overrunning method may {@link release} its slot while it goes on */
  tryLend(): boolean {
    if (this.lent >= this.mostLent) return false;
    this.lent++;
    return true;
  }

  /** Call it when a method whose slot was given back has ended. */
  lentEnded(): void {
    this.lent--;
  }

  /** Passes an unused turn on: for a caller that was woken and had nothing to do. */
  passOn(): void {
    if (this.used < this.limit) this.waiting.shift()?.();
  }

  /** Resolves when a slot is taken. */
  async take(): Promise<void> {
    while (!this.tryTake()) await new Promise<void>((resolve) => this.whenFree(resolve));
  }
}
