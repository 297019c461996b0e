import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { Database } from '../connection/database.js';
import { sqlStateOf } from '../errors/typed-error.js';

/** The lock was not free within the short wait. Nothing was done. */
const LOCK_NOT_AVAILABLE = '55P03';
/** After this time a warning says why a change of a group takes long, in milliseconds. */
const WARN_AFTER = 3000;
const GIVE_UP_AFTER = 30_000;

/** A statement that creates, deletes or moves a group. */
export interface GroupChange {
  readonly stream: string;
  /** For errors and warnings: `creating group x`. */
  readonly action: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * Carries out a change of a group. It needs a moment in which no transaction that has published to
 * the stream is open, and tries again and again, so that no publisher waits for long. Has ten minutes
 * once it begins, since it may write a row for each message. Returns the row that the server answers.
 * @throws the error of the server, where there was no such moment for 30 seconds
 */
export async function whenUnlocked<Row extends object>(
  { database, events }: { readonly database: Database; readonly events: EventBus },
  change: GroupChange,
): Promise<Row> {
  const began = systemClock.now();
  const backoff = new Backoff(20, 500);
  for (let warned = false; ;) {
    try {
      return await toldWhereLong(events, change, () => carryOut<Row>(database, change));
    } catch (error) {
      if (sqlStateOf((error as Error).cause) !== LOCK_NOT_AVAILABLE) throw error;
      const waited = systemClock.now() - began;
      if (waited > GIVE_UP_AFTER) throw error;
      if (waited > WARN_AFTER && !warned) {
        warned = true;
        warnOfWaiting(events, change);
      }
    }
    await sleep(systemClock, backoff.next());
  }
}

async function carryOut<Row extends object>(
  database: Database,
  { action, text, values }: GroupChange,
): Promise<Row> {
  const { rows } = await database.atLength.query<Row>(action, text, values);
  return rows[0]!;
}

/** A try that only waits for the lock is over soon: one that takes long changes many rows. */
async function toldWhereLong<T>(
  events: EventBus,
  { action, stream }: GroupChange,
  work: () => Promise<T>,
): Promise<T> {
  const timer = setTimeout(() => {
    const message =
      `${action} of stream "${stream}" takes long: it changes a row for each message of the ` +
      'stream. Publishers of the stream wait meanwhile. It is given up after 10 minutes.';
    events.emit('warning', { code: 'GROUP_TAKES_LONG', message });
  }, WARN_AFTER);
  return work().finally(() => clearTimeout(timer));
}

function warnOfWaiting(events: EventBus, { stream }: GroupChange): void {
  const message =
    `A group of stream "${stream}" cannot be created, deleted or moved while transactions that ` +
    'have published to the stream are open. Keep transactions short that publish within them.';
  events.emit('warning', { code: 'GROUP_WAITS', message });
}
