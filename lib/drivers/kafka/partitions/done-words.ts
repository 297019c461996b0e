import { OffsetRanges } from './offset-ranges.js';
import { countWords, letterOf, wordsOf } from './words.js';

/** Number of offsets that one word tells of. */
const BLOCK = 5;
/** Words from here on count blocks in which nothing is done. Smaller ones are one block, a bit each. */
const NONE_DONE = 32;
/** Words from here on count blocks in which everything is done. */
const ALL_DONE = 48;

/**
 * Tells which offsets from `floor` on are done: a block of five offsets by its bits where some of them
 * are done, and blocks that are alike by their number. What is behind the last done offset is left out.
 */
export function doneWords(floor: number, done: OffsetRanges): string {
  const writer = new BlockWriter();
  let next = floor;
  for (const [from, to] of done) {
    writer.add(from - next, false);
    writer.add(to - from, true);
    next = to;
  }
  return writer.end();
}

/** Reads what `doneWords` has written. Undefined: the text is no such one. */
export function readDoneWords(floor: number, text: string): OffsetRanges | undefined {
  const words = wordsOf(text);
  if (!words) return undefined;
  const done = new OffsetRanges();
  let next = floor;
  for (let at = 0; at < words.length;) {
    const word = words[at]!;
    if (word < NONE_DONE) {
      for (let bit = 0; bit < BLOCK; bit++)
        if (word & (1 << bit)) done.add(next + bit, next + bit + 1);
      next += BLOCK;
      at++;
      continue;
    }
    const mark = word < ALL_DONE ? NONE_DONE : ALL_DONE;
    let count = 0;
    for (; at < words.length && words[at]! >= mark && words[at]! < mark + 16; at++)
      count = count * 16 + words[at]! - mark;
    if (mark === ALL_DONE) done.add(next, next + count * BLOCK);
    next += count * BLOCK;
  }
  return Number.isSafeInteger(next) ? done : undefined;
}

/**
 * Most letters that `doneWords` can need for this number of offsets, where `undone` of them are not done.
 */
export function mostDoneWords(offsets: number, undone: number): number {
  const blocks = Math.ceil(offsets / BLOCK);
  const mixed = Math.min(blocks, undone);
  // Between mixed blocks there are alike ones: their numbers are longest where all are equal.
  const runs = mixed + 1;
  const perRun = 1 + Math.max(0, Math.log2(blocks / runs) / 4);
  return Math.min(blocks, mixed + Math.ceil(runs * perRun));
}

class BlockWriter {
  private text = '';
  private bits = 0;
  private filled = 0;

  add(length: number, isDone: boolean): void {
    let rest = length;
    while (rest > 0 && this.filled > 0) {
      this.bit(isDone);
      rest--;
    }
    const blocks = Math.floor(rest / BLOCK);
    if (blocks > 0) this.text += countWords(blocks, isDone ? ALL_DONE : NONE_DONE);
    for (rest -= blocks * BLOCK; rest > 0; rest--) this.bit(isDone);
  }

  end(): string {
    if (this.filled > 0) this.text += letterOf(this.bits);
    return this.text;
  }

  private bit(isDone: boolean): void {
    if (isDone) this.bits |= 1 << this.filled;
    if (++this.filled < BLOCK) return;
    this.text += letterOf(this.bits);
    this.bits = this.filled = 0;
  }
}
