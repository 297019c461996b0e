import type { OutgoingEntry } from '../../../core/message.js';

/** About so many go to one script, so that it never blocks the server for long. */
export const MOST_CHARACTERS = 500_000;

export function charactersOf({ fields }: OutgoingEntry): number {
  let sum = 0;
  for (const field of fields) sum += field.length;
  return sum;
}

/** In order; more than `limit` of them, or of their size together, only where one is too large alone. */
export function chunksOf<T>(
  items: readonly T[],
  limit: number,
  size: (item: T) => number = () => 0,
  mostSize = Infinity,
): T[][] {
  const chunks: T[][] = [];
  let room = 0;
  for (const item of items) {
    const own = size(item);
    const last = chunks.at(-1);
    if (last && last.length < limit && own <= room) {
      last.push(item);
      room -= own;
    } else {
      chunks.push([item]);
      room = mostSize - own;
    }
  }
  return chunks;
}
