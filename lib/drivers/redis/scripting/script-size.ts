import type { OutgoingEntry } from '../../../core/message.js';

/**
 * Approximate maximum of characters sent to one script, so that it does not block the server for
 * long.
 */
export const MOST_CHARACTERS = 500_000;

export function charactersOf({ fields }: OutgoingEntry): number {
  let sum = 0;
  for (const field of fields) sum += field.length;
  return sum;
}
