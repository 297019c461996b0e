import { OffsetRanges } from './offset-ranges.js';
import type { Progress } from './progress.js';

type Range = readonly [from: number, to: number];

/** Returns the offsets, in order, that were handed out and given back before their first run. */
export function givenBack({ floor, handed, done, runs }: Progress): number[] {
  return [...runs]
    .filter(([at, count]) => count === 0 && at >= floor && at < handed && !done.has(at))
    .map(([at]) => at)
    .sort((a, b) => a - b);
}

/** Returns the first offset that was not handed out, and how many behind it are done all the same. */
export function unreadFrom({ floor, handed, done }: Progress): {
  from: number;
  doneBehind: number;
} {
  let from = Math.max(floor, handed);
  let doneBehind = 0;
  for (const [start, end] of done) {
    if (start <= from) from = Math.max(from, end);
    else doneBehind += end - start;
  }
  return { from, doneBehind };
}

/** Returns the ranges of offsets that were handed out, and not settled or given back before a run; in order. */
export function pendingRanges(progress: Progress): Range[] {
  const { floor, handed, done } = progress;
  const fresh = givenBack(progress).map((at): Range => [at, at + 1]);
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
 *
 * @param markNumber that of the mark which says so
 */
export function movedTo(
  progress: Progress,
  offset: number,
  markNumber = progress.markNumber,
): Progress {
  const below = pendingRanges(progress).filter(([from]) => from < offset);
  const floor = below[0]?.[0] ?? offset;
  const done = new OffsetRanges();
  let from = floor;
  for (const [start, end] of below) {
    done.add(from, start);
    from = Math.min(end, offset);
  }
  done.add(from, offset);
  const isPending = (at: number) => below.some(([start, end]) => at >= start && at < end);
  const runs = new Map([...progress.runs].filter(([at]) => at < offset && isPending(at)));
  return { ...progress, floor, handed: offset, done, runs, markNumber };
}
