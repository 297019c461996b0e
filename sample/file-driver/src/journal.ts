import { renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { isStep, type Change } from './changes.js';
import { DamagedFileError } from './file.errors.js';
import { LineLog, syncDirectory } from './line.log.js';

/** A journal is not worth compacting before it has this many lines. */
const SHORTEST = 10_000;
/** Changes in one line of a compacted journal. */
const AT_ONCE = 100;

export interface JournalOptions {
  readonly path: string;
  /** The changes that make what is stored now, beginning with nothing. */
  readonly snapshot: () => Iterable<Change>;
  readonly onRepaired: (path: string, bytes: number) => void;
}

/** The steps that were carried out, a line for each. Old lines are replaced by what came of them. */
export class Journal {
  private log: LineLog;
  private lines = 0;
  /** Length at which the journal is compacted. */
  private longest = SHORTEST;

  constructor(private readonly options: JournalOptions) {
    this.log = new LineLog(options.path);
  }

  /** Carries out all steps again. @throws DamagedFileError */
  replay(apply: (change: Change) => void): void {
    const { path, onRepaired } = this.options;
    const cut = this.log.open(({ number, value }) => {
      if (!isStep(value))
        throw new DamagedFileError(path, number, 'the line is no list of changes');
      for (const change of value) apply(change);
      this.lines = number;
    });
    if (cut > 0) onRepaired(path, cut);
  }

  append(changes: readonly Change[]): void {
    this.log.append([changes]);
    this.lines++;
  }

  get isLong(): boolean {
    return this.lines >= this.longest;
  }

  /**
   * A new journal takes the place of this one in one step. Where the disk is full, this one goes on
   * and the next attempt comes later.
   */
  compact(): void {
    const { path } = this.options;
    const next = this.written(`${path}.new`);
    if (!next) return void (this.longest = this.lines + SHORTEST);
    renameSync(`${path}.new`, path);
    this.log.close();
    this.log = next.log;
    this.lines = next.lines;
    this.longest = Math.max(SHORTEST, 2 * next.lines);
    syncDirectory(dirname(path));
  }

  /** A journal with what is stored now, on the disk. Undefined: it cannot be written. */
  private written(path: string): { log: LineLog; lines: number } | undefined {
    rmSync(path, { force: true });
    const log = new LineLog(path);
    try {
      const changes = [...this.options.snapshot()];
      const steps = Array.from({ length: Math.ceil(changes.length / AT_ONCE) }, (_, at) =>
        changes.slice(at * AT_ONCE, (at + 1) * AT_ONCE),
      );
      for (const step of steps) log.append([step]);
      log.sync();
      return { log, lines: steps.length };
    } catch {
      log.close();
      return undefined;
    }
  }

  sync(): void {
    this.log.sync();
  }

  close(): void {
    this.log.close();
  }
}
