/** A bounded number of places, handed on in turn to those who wait. */
export class Slots {
  private used = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(public limit: number) {}

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

  /** Hands an unused turn on: for whoever was woken and found nothing to do. */
  passOn(): void {
    if (this.used < this.limit) this.waiting.shift()?.();
  }

  /** Resolves with a place taken. */
  async take(): Promise<void> {
    while (!this.tryTake()) await new Promise<void>((resolve) => this.whenFree(resolve));
  }
}
