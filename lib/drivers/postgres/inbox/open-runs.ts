import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Knows the calls that a run has made. What a run has started and left behind does not count once the
 * run is over: it may read messages for ever.
 *
 * An AsyncLocalStorage makes each promise of the process dearer, from the first run on. Only processes
 * with an inbox in PostgreSQL pay for it.
 */
export class OpenRuns {
  private readonly current = new AsyncLocalStorage<{ isOpen: boolean }>();

  /** Whether the caller was called by a run that is not over. */
  isWithin(): boolean {
    return this.current.getStore()?.isOpen === true;
  }

  /** Calls `work` as a run. Settles as `work` does. */
  async run<R>(work: () => Promise<R>): Promise<R> {
    const run = { isOpen: true };
    try {
      return await this.current.run(run, work);
    } finally {
      run.isOpen = false;
    }
  }
}
