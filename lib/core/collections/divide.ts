/**
 * Sends entries of two kinds on two ways at once, and returns their results in the order of the
 * entries. A way without entries is not called.
 */
export async function divide<T, Some extends T, R>(
  entries: readonly T[],
  isSome: (entry: T) => entry is Some,
  publishSome: (some: readonly Some[]) => Promise<readonly R[]>,
  publishOthers: (others: readonly T[]) => Promise<readonly R[]>,
): Promise<R[]> {
  const some = entries.filter(isSome);
  const others = entries.filter((entry) => !isSome(entry));
  const [found, foundOthers] = await Promise.all([
    some.length > 0 ? publishSome(some) : [],
    others.length > 0 ? publishOthers(others) : [],
  ]);
  let [next, nextOther] = [0, 0];
  return entries.map((entry) => (isSome(entry) ? found[next++]! : foundOthers[nextOther++]!));
}
