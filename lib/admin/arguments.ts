import { isEntryId } from '../core/entry-id.js';
import { InvalidOptionsError } from '../core/errors/start-up.errors.js';

/** Sentences that each say what must be otherwise; none, where it is right. */
type Problems = readonly string[];

/** @throws InvalidOptionsError naming all problems at once */
export function refuse(...problems: readonly Problems[]): void {
  const all = problems.flat();
  if (all.length > 0) throw new InvalidOptionsError(all);
}

/** What must be a text that is not empty, by its name. */
export function names(given: Readonly<Record<string, unknown>>): Problems {
  return Object.entries(given)
    .filter(([, value]) => typeof value !== 'string' || value === '')
    .map(([what]) => `${what} must be a text that is not empty`);
}

/** Where a group stands: `0`, `$` or an id. */
export function position(what: string, given: unknown): Problems {
  if (given === '$' || isEntryId(given)) return [];
  return [`${what} must be '0', '$' or an id such as 1700000000000-0, not ${shown(given)}`];
}

/** Where a page begins. */
export function pageStart(what: string, given: unknown): Problems {
  const id = typeof given === 'string' ? given.replace(/^\(/, '') : given;
  if (given === undefined || given === '-' || isEntryId(id)) return [];
  return [`${what} must be an id such as 1700000000000-0, or next of a page, not ${shown(given)}`];
}

export function whole(what: string, given: unknown, min: number): Problems {
  if (given === undefined || (Number.isSafeInteger(given) && (given as number) >= min)) return [];
  return [`${what} must be a whole number of at least ${min}, not ${shown(given)}`];
}

/** What is misspelt would go unnoticed. */
export function known(options: object, keys: readonly string[]): Problems {
  return Object.keys(options)
    .filter((key) => !keys.includes(key))
    .map((key) => `${key} is not an option: there are ${keys.join(', ')}`);
}

const shown = (given: unknown): string =>
  typeof given === 'string' ? `'${given}'` : String(given);
