import type { Redis } from 'ioredis';
import type { DelayedEntry } from '../../../ports/delays.js';
import { InvalidMessageError } from '../../../core/errors/publishing.errors.js';
import type { Keys } from '../keys/keys.js';
import { windowOf } from './publishing-once.js';
import { MOST_ELEMENTS } from '../scripting/delaying.js';
import { schedule } from './schedule.script.js';

/** Stores delayed entries of one stream, with one command. @returns per entry its id or error */
export function scheduleEntries(
  client: Redis,
  keys: Keys,
  entries: readonly DelayedEntry[],
): Promise<(string | Error)[]> {
  const { stream } = entries[0]!;
  return schedule(
    client,
    keys.delays(stream),
    entries.map(({ when, fields, idempotency }) => ({
      when,
      fields,
      once: idempotency && {
        key: keys.published(stream, idempotency.key),
        window: windowOf(idempotency.window),
      },
    })),
  );
}

/**
 * Finds an entry that the server would refuse when it is due: at that time no caller waits for the
 * error.
 */
export function delayProblem({ stream, fields }: DelayedEntry): Error | undefined {
  const { length } = fields;
  if (length > 0 && length % 2 === 0 && length <= MOST_ELEMENTS) return undefined;
  return new InvalidMessageError(
    `A delayed entry for "${stream}" needs names and values in turn, ${MOST_ELEMENTS / 2} of each at most.`,
  );
}
