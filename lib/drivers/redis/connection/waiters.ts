/** Callers that wait until something changes. */
export class Waiters {
  private readonly waiting = new Set<() => void>();

  /** Waits until the next `wakeAll`, for at most `timeout` milliseconds. */
  wait(timeout: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeout);
      this.waiting.add(wake);
    });
  }

  wakeAll(): void {
    for (const wake of [...this.waiting]) wake();
  }
}
