import type { Statements } from './statements.js';

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
