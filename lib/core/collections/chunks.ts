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
  let capacity = 0;
  for (const item of items) {
    const own = size(item);
    const last = chunks.at(-1);
    if (last && last.length < limit && own <= capacity) {
      last.push(item);
      capacity -= own;
    } else {
      chunks.push([item]);
      capacity = mostSize - own;
    }
  }
  return chunks;
}
