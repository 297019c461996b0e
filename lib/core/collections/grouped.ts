/** Groups items by key, in their order. */
export function grouped<K, T>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) join(groups, keyOf(item), item);
  return groups;
}

/** Adds an item to its group. */
export function join<K, T>(groups: Map<K, T[]>, key: K, item: T): void {
  const same = groups.get(key);
  if (same) same.push(item);
  else groups.set(key, [item]);
}
