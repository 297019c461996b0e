/**
 * The places of a transport, or of a consumer with a concurrency of its own.
 * @param maxOverrun @default the concurrency; none where that is 1
 */
export function placesFor(concurrency: number, maxOverrun: number | undefined): Slots {
  return new Slots(concurrency, maxOverrun ?? (concurrency === 1 ? 0 : concurrency));
}

/** A bounded number of places, handed on in turn to those who wait. */
export class Slots {
  private used = 0;
  private lent = 0;
  private readonly waiting: (() => void)[] = [];

  /** @param mostLent places that methods which overrun give back, at most */
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

  /** Calls `wake` once, when a place has become free and it is its turn; it may then `tryTake`. */
  whenFree(wake: () => void): void {
    this.waiting.push(wake);
  }

  release(): void {
    this.used--;
    this.waiting.shift()?.();
  }

  /** @returns whether a method that overruns may {@link release} its place while it goes on */
  tryLend(): boolean {
    if (this.lent >= this.mostLent) return false;
    this.lent++;
    return true;
  }

  /** A method whose place was given back has ended. */
  lentEnded(): void {
    this.lent--;
  }

  /** Hands an unused turn on: for whoever was woken and found nothing to do. */
  passOn(): void {
    if (this.used < this.limit) this.waiting.shift()?.();
  }

  /** Resolves with a place taken. */
  async take(): Promise<void> {
    while (!this.tryTake()) await new Promise<void>((resolve) => this.whenFree(resolve));
  }
}
