import { doneWords, readDoneWords } from './done-words.js';
import { progressAt, type Progress } from './progress.js';
import { readRunWords, runWords } from './run-words.js';
import type { OffsetRanges } from './offset-ranges.js';

/** Most bytes of an offset's metadata that a broker takes, unless it is configured otherwise. */
export const METADATA_LIMIT = 4096;
/** What is left of that for what is done, and for runs. */
export const METADATA_ROOM = METADATA_LIMIT - 64;

/** The format, then its parts, numbers in base 36. */
const FORMAT = /^s1\.([\da-z]+)\.([\da-z]+)\.([\da-z]+)\.(t?)\.([\w-]*)\.([\w-]*)$/;

/**
 * The metadata of a committed offset: what is known above the floor, in at most `METADATA_LIMIT` bytes of
 * ASCII. Where that is too little, which `PartitionState.isFull` prevents, done entries are left out: they
 * would run again.
 */
export function encodeMetadata(progress: Progress, usualRuns: number): string {
  const { floor, handed, markNumber, transaction, transacts } = progress;
  const head = [handed - floor, markNumber, transaction].map((number) => number.toString(36));
  const start = `s1.${head.join('.')}.${transacts ? 't' : ''}.`;
  for (let { done } = progress; ; done = done.firstRanges(done.size >> 1)) {
    const runs = progress.runs.size > 0 ? runWords(unusualRuns(progress, done, usualRuns)) : '';
    const text = `${start}${doneWords(floor, done)}.${runs}`;
    if (text.length <= METADATA_LIMIT) return text;
    if (done.size === 0) return text.slice(0, METADATA_LIMIT);
  }
}

/** Reads metadata. Those of another program, or none, count as nothing known. */
export function decodeMetadata(floor: number, metadata: string): Progress {
  const found = FORMAT.exec(metadata);
  if (!found) return progressAt(floor);
  const [handed, markNumber, transaction] = found.slice(1, 4).map((text) => parseInt(text, 36));
  const done = readDoneWords(floor, found[5]!);
  const unusual = readRunWords(found[6]!);
  const isSound = Number.isSafeInteger(floor + handed!) && lastOf(unusual) < METADATA_LIMIT;
  if (!done || !unusual || !isSound) return progressAt(floor);
  return {
    floor,
    handed: floor + handed!,
    done,
    runs: runsByOffset(unusual, done.missing(floor, floor + handed!)),
    markNumber: markNumber!,
    transaction: transaction!,
    transacts: found[4] === 't',
  };
}

/** Entries with another number of runs than usual, by their place among those that are not done. */
function* unusualRuns(
  { floor, handed, runs }: Progress,
  done: OffsetRanges,
  usualRuns: number,
): Generator<[number, number]> {
  let place = 0;
  let left = runs.size;
  for (const offset of done.missing(floor, handed)) {
    const count = runs.get(offset);
    if (count !== undefined) {
      if (count !== usualRuns) yield [place, count];
      if (--left === 0) return;
    }
    place++;
  }
}

function runsByOffset(
  unusual: ReadonlyMap<number, number>,
  undone: Iterable<number>,
): Map<number, number> {
  const runs = new Map<number, number>();
  let left = unusual.size;
  let place = 0;
  if (left === 0) return runs;
  for (const offset of undone) {
    const count = unusual.get(place++);
    if (count === undefined) continue;
    runs.set(offset, count);
    if (--left === 0) break;
  }
  return runs;
}

/** The highest place. Entries have a word each, at least while they can be told. */
const lastOf = (unusual: ReadonlyMap<number, number> | undefined): number =>
  [...(unusual?.keys() ?? [])].at(-1) ?? 0;
