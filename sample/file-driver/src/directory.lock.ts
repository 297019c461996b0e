import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DirectoryInUseError } from './file.errors.js';

interface Holder {
  readonly host: string;
  readonly pid: number;
  /** Tells two locks of one process apart. */
  readonly token: string;
}

/**
 * The file `lock` of a directory: it names the process that has the directory open. A process that
 * died leaves its lock, and the next one takes it. The lock sees processes of this machine only.
 */
export class DirectoryLock {
  private readonly file: string;
  private readonly text = JSON.stringify({
    host: hostname(),
    pid: process.pid,
    token: randomUUID(),
  } satisfies Holder);

  /** @throws DirectoryInUseError where another process has the lock */
  constructor(private readonly directory: string) {
    this.file = join(directory, 'lock');
    while (!this.create()) this.removeStale();
  }

  release(): void {
    if (read(this.file) === this.text) rmSync(this.file);
  }

  /** Linking is one step: no process sees a lock without its text. */
  private create(): boolean {
    const own = `${this.file}.${randomUUID()}`;
    writeFileSync(own, this.text);
    try {
      linkSync(own, this.file);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return false;
    } finally {
      rmSync(own);
    }
  }

  /** Moves the lock aside, and looks at it again: another process may have taken it meanwhile. */
  private removeStale(): void {
    const found = read(this.file);
    if (found === undefined) return;
    if (lives(found)) throw new DirectoryInUseError(this.directory, this.file, named(found));
    const aside = `${this.file}.${randomUUID()}`;
    try {
      renameSync(this.file, aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    try {
      if (read(aside) !== found) linkSync(aside, this.file);
    } finally {
      rmSync(aside);
    }
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A process of another machine counts as alive. This process asks before it opens a directory twice. */
function lives(text: string): boolean {
  const { host, pid } = holderOf(text);
  if (host !== hostname()) return true;
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user exists, too.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function named(text: string): string {
  const { host, pid } = holderOf(text);
  return `process ${pid} on ${host}`;
}

/** A lock that the driver did not write has no known holder. */
function holderOf(text: string): Holder {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return { host: 'an unknown machine', pid: 0, token: '' };
  }
}
