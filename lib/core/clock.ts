/** A pending timer, to be handed back to {@link Clock.clearTimeout}. */
export type TimerHandle = unknown;

/** Time, as everything in the engine sees it; tests put a clock of their own in its place. */
export interface Clock {
  /**
   * Milliseconds since a moment of this clock's own, with fractions. For durations: it never goes
   * back, and does not jump where the time of the machine is set.
   */
  now(): number;
  /** Milliseconds since the epoch, by the time of the machine. For timestamps: it may jump, or go back. */
  wallTime(): number;
  setTimeout(callback: () => void, ms: number): TimerHandle;
  clearTimeout(timer: TimerHandle): void;
  /**
   * Of a clock that only a test moves: after this real time, in milliseconds, {@link within} gives up
   * waiting. Else a shutdown would wait for ever for a handler that never ends.
   */
  readonly patience?: number;
}

/** Beyond this Node would fire at once: wake early instead, whoever waits looks at the time again. */
const LONGEST = 2 ** 31 - 1;

/** The process's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  // Node cuts fractions off: not before the time has passed.
  setTimeout: (callback, ms) => setTimeout(callback, Math.min(Math.ceil(ms), LONGEST)),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

// The real ones, also where a test replaces the global timers.
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

/** Awaits work, for `ms` at most. */
export async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  await Promise.race([work, sleep(clock, ms, done.signal)]);
  done.abort();
}

/** Awaits what handlers of the application do, for `ms` at most, and no longer than the clock's patience. */
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
