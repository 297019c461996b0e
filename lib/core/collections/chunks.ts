/**
 * Cuts a list into parts, in order. A part has at most `limit` items, with a total size of at most
 * `mostSize`. An item that is larger alone is a part of its own.
 */
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
