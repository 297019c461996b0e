import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import { sqlStateOf } from '../errors/typed-error.js';

/** The lock was not free within the short wait. Nothing was done. */
const LOCK_NOT_AVAILABLE = '55P03';
/** After this time a warning says why a group cannot be changed, in milliseconds. */
const WARN_AFTER = 3000;
const GIVE_UP_AFTER = 30_000;

/**
 * Carries out a change of a group. It needs a moment in which no transaction that has published to
 * the stream is open, and tries again and again, so that no publisher waits for long.
 * @throws the error of the server, where there was no such moment for 30 seconds
 */
export async function whenUnlocked<T>(
  events: EventBus,
  stream: string,
  work: () => Promise<T>,
): Promise<T> {
  const began = systemClock.now();
  const backoff = new Backoff(20, 500);
  for (let warned = false; ;) {
    try {
      return await work();
    } catch (error) {
      if (sqlStateOf((error as Error).cause) !== LOCK_NOT_AVAILABLE) throw error;
      const waited = systemClock.now() - began;
      if (waited > GIVE_UP_AFTER) throw error;
      if (waited > WARN_AFTER && !warned) {
        warned = true;
        warn(events, stream);
      }
    }
    await sleep(systemClock, backoff.next());
  }
}

function warn(events: EventBus, stream: string): void {
  const message =
    `A group of stream "${stream}" cannot be created, deleted or moved while transactions that ` +
    'have published to the stream are open. Keep transactions short that publish within them.';
  events.emit('warning', { code: 'GROUP_WAITS', message });
}
