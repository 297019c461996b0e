import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';

/** Most tries: a few seconds with their pauses. */
const MOST = 12;

/**
 * Tries again while something else changes at the same moment: undefined. Waits longer each time.
 * @param giveUp the error after the last try
 */
export async function tryUntilDone<T>(
  attempt: () => Promise<T | undefined>,
  giveUp: () => Error | Promise<Error>,
): Promise<T> {
  const backoff = new Backoff(10, 1000);
  for (let tries = 1; ; tries++) {
    const done = await attempt();
    if (done !== undefined) return done;
    if (tries === MOST) throw await giveUp();
    await sleep(systemClock, backoff.next());
  }
}
