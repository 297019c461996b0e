/** What a group has done of one partition, as it is committed. */
export interface Progress {
  /** The lowest offset that is not settled. */
  readonly floor: number;
  /** Everything below this offset may have been handed out. */
  readonly handed: number;
  /** What is settled above the floor: ranges in order, without their ends. */
  readonly done: Iterable<readonly [from: number, to: number]>;
  /** Runs counted, by offset, where the number is not the usual one. */
  readonly runs: ReadonlyMap<number, number>;
}

type Range = readonly [from: number, to: number];

/** Returns the ranges of offsets that were handed out and are not settled, in order. */
export function pendingRanges({ floor, handed, done, runs }: Progress): Range[] {
  // An entry without a run was given back before its first one.
  const fresh = [...runs].flatMap(([offset, count]): Range[] =>
    count === 0 ? [[offset, offset + 1]] : [],
  );
  const others = [...done, ...fresh].sort((a, b) => a[0] - b[0]);
  const ranges: Range[] = [];
  let from = floor;
  for (const [start, end] of [...others, [handed, handed] as const]) {
    const to = Math.min(start, handed);
    if (to > from) ranges.push([from, to]);
    from = Math.max(from, end);
  }
  return ranges;
}

/**
 * Returns the progress of a partition whose group was moved to `offset`. Of what is below, entries that are
 * pending stay pending, and all others are done. What is at `offset` and behind is handed out anew.
 */
export function movedTo(progress: Progress, offset: number): Progress {
  const below = pendingRanges(progress).filter(([from]) => from < offset);
  const floor = below[0]?.[0] ?? offset;
  const done: Range[] = [];
  let from = floor;
  for (const [start, end] of below) {
    if (start > from) done.push([from, start]);
    from = Math.min(end, offset);
  }
  if (from < offset) done.push([from, offset]);
  const isPending = (at: number) => below.some(([start, end]) => at >= start && at < end);
  const runs = new Map([...progress.runs].filter(([at]) => at < offset && isPending(at)));
  return { floor, handed: offset, done, runs };
}
