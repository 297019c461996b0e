import { InvalidOptionsError } from '../errors/start-up.errors.js';
import { text } from './kinds.js';
import type { Problems } from './option.js';

/** @throws InvalidOptionsError naming all problems at once */
export function refuse(...problems: readonly Problems[]): void {
  const all = problems.flat();
  if (all.length > 0) throw new InvalidOptionsError(all);
}

const name = text().required();

/** Checks that each of these values is a text that is not empty. */
export const names = (given: Readonly<Record<string, unknown>>): Problems =>
  Object.entries(given).flatMap(([what, value]) => name.problems(value, what));
