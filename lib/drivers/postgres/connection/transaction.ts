import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import { isConflict } from '../errors/typed-error.js';
import type { Statements } from './statements.js';

/** A transaction that conflicts with others is carried out this many times at most. */
const TRIES = 5;
const BEGIN = 'begin isolation level read committed';

/** Carries out work between BEGIN and COMMIT. Where it rejects, nothing is done. */
export async function asOne<T>(
  own: Statements,
  action: string,
  work: (own: Statements) => Promise<T>,
): Promise<T> {
  await own.query(action, BEGIN);
  try {
    const result = await work(own);
    await own.query(action, 'commit');
    return result;
  } catch (error) {
    await own.query(action, 'rollback').catch(() => undefined);
    throw error;
  }
}

/** Carries out a transaction again after a conflict with others, in which nothing was done. */
export async function again<T>(work: () => Promise<T>): Promise<T> {
  const backoff = new Backoff(2, 100);
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === TRIES || !isConflict((error as Error).cause)) throw error;
      await sleep(systemClock, backoff.next());
    }
  }
}
