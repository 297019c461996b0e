import { movedTo } from './moved.js';
import { lettersOf } from './run-words.js';
import { mostDoneWords } from './done-words.js';
import { encodeMetadata, METADATA_ROOM } from './offset-metadata.js';
import { OffsetRanges } from './offset-ranges.js';
import type { Progress } from './progress.js';

/**
 * Keeps account of one partition: what was handed out, what of it is done, and how often the rest has
 * run. Costs little per entry where they are done mostly in order.
 */
export class Tracking {
  /** The next offset that was not looked at yet. */
  next: number;
  markNumber: number;
  transaction: number;
  transacts: boolean;
  private floorNow: number;
  /** Everything below that is not done was handed out, here or to an owner before. */
  handed: number;
  private done: OffsetRanges;
  private readonly runs: Map<number, number>;
  /** Number of entries below `handed` that are not done. */
  undone: number;
  /** Letters that numbers of runs take, beyond one for each entry. */
  private wide = 0;

  /**
   * @param usualRuns how often an entry has run that was handed out, where nothing else is known: once, or
   * 0 where no run is counted when it is handed out
   */
  constructor(
    start: Progress,
    private readonly usualRuns: 0 | 1,
  ) {
    this.next = this.floorNow = start.floor;
    this.handed = start.handed;
    this.done = start.done.copy();
    this.runs = new Map();
    for (const [offset, runs] of start.runs) this.setRuns(offset, runs);
    this.markNumber = start.markNumber;
    this.transaction = start.transaction;
    this.transacts = start.transacts;
    this.undone = this.undoneBetween(this.floorNow, this.handed);
  }

  /** Everything below is done. */
  get floor(): number {
    return this.floorNow;
  }

  isDone(offset: number): boolean {
    return offset < this.floorNow || this.done.has(offset);
  }

  /**
   * Takes an entry that is to be handed out, and counts its first run where that is usual and it was never
   * handed out. Offsets that were jumped over do not exist. An entry that is given back may be taken again.
   * Returns how often it has run before; undefined: it is done.
   */
  take(offset: number): number | undefined {
    if (offset >= this.next) {
      if (offset > this.next) this.pass(offset);
      this.next = offset + 1;
    }
    if (this.isDone(offset)) return undefined;
    const runs = this.runsOf(offset);
    if (offset >= this.handed) {
      this.handed = offset + 1;
      this.undone++;
    }
    return runs;
  }

  /** There is nothing between what was looked at and this offset. */
  pass(offset: number): void {
    const { next, handed } = this;
    if (offset <= next) return;
    this.next = offset;
    if (next < handed) {
      this.undone -= this.undoneBetween(next, Math.min(offset, handed));
      for (const known of this.runs.keys())
        if (known >= next && known < offset) this.setRuns(known, this.usualRuns);
    }
    this.handed = Math.max(handed, offset);
    this.addDone(next, offset);
  }

  /** An entry that was taken is done. */
  finish(offset: number): void {
    if (offset < this.handed) this.undone--;
    if (this.runs.size > 0) this.setRuns(offset, this.usualRuns);
    this.addDone(offset, offset + 1);
  }

  /** How often an entry that is not done has run. */
  runsOf(offset: number): number {
    return this.runs.get(offset) ?? (offset < this.handed ? this.usualRuns : 0);
  }

  setRuns(offset: number, runs: number): void {
    const before = this.runs.get(offset);
    if (before !== undefined) {
      this.runs.delete(offset);
      this.wide -= lettersOf(before) - 1;
    }
    if (runs !== this.usualRuns) this.keepRuns(offset, runs);
  }

  private keepRuns(offset: number, runs: number): void {
    this.runs.set(offset, runs);
    this.wide += lettersOf(runs) - 1;
  }

  /**
   * Whether the metadata could become too long with one entry more, in any order of settlements.
   */
  get isFull(): boolean {
    const undone = this.undone + 1;
    const offsets = Math.max(this.handed, this.done.end) + 1 - this.floorNow;
    const room = METADATA_ROOM - undone - this.wide;
    // The first is quick to compute, and enough for most.
    return offsets / 5 + 1 > room && mostDoneWords(offsets, undone) > room;
  }

  /**
   * What to commit now.
   * @param alsoDone entries that will be done with this commit
   */
  progress(alsoDone: Iterable<number> = []): Progress {
    let { done } = this;
    let floor = this.floorNow;
    for (const offset of alsoDone) {
      if (done === this.done) done = done.copy();
      done.add(offset, offset + 1);
    }
    if (done !== this.done) floor = done.cutBelow(floor);
    const { runs, markNumber, transaction, transacts } = this;
    const handed = Math.max(floor, this.handed);
    return { floor, handed, done, runs, markNumber, transaction, transacts };
  }

  /** The offset to commit, and its metadata. */
  toCommit(progress: Progress = this.progress()): { offset: number; metadata: string } {
    return { offset: progress.floor, metadata: encodeMetadata(progress, this.usualRuns) };
  }

  /**
   * The group goes on at this offset. What was handed out and is not done stays so: it is not handed out
   * again while a lease of it is held.
   */
  moveTo(offset: number): void {
    const above = new Map<number, number>();
    for (const one of this.done.missing(Math.max(offset, this.floorNow), this.handed))
      above.set(one, this.runsOf(one));
    const { floor, handed, done, runs } = movedTo(this.progress(), offset);
    this.startAt(floor);
    this.handed = handed;
    this.done = new OffsetRanges(done);
    this.undone = this.undoneBetween(floor, handed);
    for (const [one, count] of [...runs, ...above]) this.keepRuns(one, count);
  }

  /** The group goes on at this offset, and nothing is remembered. */
  startAt(offset: number): void {
    this.next = this.floorNow = this.handed = offset;
    this.done = new OffsetRanges();
    this.runs.clear();
    this.undone = this.wide = 0;
  }

  private addDone(from: number, to: number): void {
    if (from > this.floorNow) return this.done.add(from, to);
    if (to <= this.floorNow) return;
    this.floorNow = this.done.size === 0 ? to : this.done.cutBelow(to);
    this.handed = Math.max(this.handed, this.floorNow);
    this.next = Math.max(this.next, this.floorNow);
  }

  private undoneBetween(from: number, to: number): number {
    const start = Math.max(from, this.floorNow);
    if (start >= to) return 0;
    return to - start - (this.done.countBelow(to) - this.done.countBelow(start));
  }
}
