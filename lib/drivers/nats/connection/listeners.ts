/** Functions that are called with each value, until they are removed. */
export class Listeners<T = void> {
  private readonly all = new Set<(value: T) => void>();

  /** The returned function removes the listener. */
  add(listener: (value: T) => void): () => void {
    // A function of its own, so that a listener that is added twice is removed once.
    const own = (value: T): void => listener(value);
    this.all.add(own);
    return () => this.all.delete(own);
  }

  tell(value: T): void {
    for (const listener of [...this.all]) listener(value);
  }
}
