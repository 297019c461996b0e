/** A pending timer, to be handed back to {@link Clock.clearTimeout}. */
export type TimerHandle = unknown;

/** Time, as the whole engine sees it. Tests use a clock of their own. */
export interface Clock {
  /**
   * Milliseconds since some moment of this clock, with fractions. Use it for durations: it never
   * goes back, and does not jump when the machine's time is set. In another process, and after a
   * restart, the same number means another moment: never store it, and never compare it with a date.
   */
  now(): number;
  /**
   * Milliseconds since the epoch, by the machine's time. Use it for times that are stored or sent,
   * such as `publishedAt` or when a key expires. It may jump or go back.
   */
  wallTime(): number;
  setTimeout(callback: () => void, ms: number): TimerHandle;
  clearTimeout(timer: TimerHandle): void;
  /**
   * For a clock that only a test moves: {@link within} gives up waiting after this real time, in
   * milliseconds. Otherwise a shutdown would wait for ever for a handler that never ends.
   */
  readonly patience?: number;
}

/**
 * With a longer delay Node fires at once. The timer fires early instead, and its owner looks at the
 * time again.
 */
const LONGEST = 2 ** 31 - 1;

/** The process's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  // Rounds up, because Node cuts fractions off and would fire too early. Node 24 warns of a time that is over.
  setTimeout: (callback, ms) => setTimeout(callback, Math.max(0, Math.min(Math.ceil(ms), LONGEST))),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

// The real functions, also where a test replaces the global ones.
const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout } = globalThis;
const realClock: Pick<Clock, 'setTimeout' | 'clearTimeout'> = {
  setTimeout: (callback, ms) => realSetTimeout(callback, ms),
  clearTimeout: (timer) => realClearTimeout(timer as NodeJS.Timeout),
};

/** Resolves after `ms`, or at once when the signal aborts. */
export function sleep(
  clock: Pick<Clock, 'setTimeout' | 'clearTimeout'>,
  ms: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = clock.setTimeout(done, ms);
    function done(): void {
      clock.clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** Awaits work, for `ms` milliseconds at most. */
export async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  await Promise.race([work, sleep(clock, ms, done.signal)]);
  done.abort();
}

/**
 * Awaits handlers of the application, for `ms` milliseconds at most, and no longer than the clock's
 * patience.
 */
export async function withPatience(
  clock: Clock,
  ms: number,
  work: Promise<unknown>,
): Promise<void> {
  const done = new AbortController();
  const { patience } = clock;
  const given = patience === undefined ? [] : [sleep(realClock, patience, done.signal)];
  await Promise.race([work, sleep(clock, ms, done.signal), ...given]);
  done.abort();
}
