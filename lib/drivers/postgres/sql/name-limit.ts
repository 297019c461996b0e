import { NameTooLongError } from '../errors/name.errors.js';
import { toStored } from './exact-text.js';

/**
 * Most bytes of a name. An entry of an index of PostgreSQL takes 2,704 bytes, and the largest ones
 * have three names: of a stream with its prefix, a group and a consumer.
 */
export const LONGEST_NAME = 800;

/**
 * Undefined: the indexes take the name.
 * @param prefix comes before the name, as it is stored
 */
export function nameProblem(
  kind: NameTooLongError['kind'],
  name: string,
  prefix = '',
): NameTooLongError | undefined {
  const stored = prefix + toStored(name);
  if (stored.length * 3 <= LONGEST_NAME) return undefined;
  const bytes = Buffer.byteLength(stored);
  return bytes > LONGEST_NAME ? new NameTooLongError(kind, name, bytes, LONGEST_NAME) : undefined;
}

/** @throws NameTooLongError for the first name that the indexes do not take */
export function refuseLongNames(names: { readonly group?: string; readonly consumer?: string }) {
  const { group, consumer } = names;
  const problem =
    (group !== undefined && nameProblem('group', group)) ||
    (consumer !== undefined && nameProblem('consumer', consumer));
  if (problem) throw problem;
}
