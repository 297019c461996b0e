import {
  closeSync,
  constants,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { DamagedFileError } from './file.errors.js';

const CHUNK = 64 * 1024;
const NEWLINE = 0x0a;

/** A line that was read back. */
export interface Line {
  readonly number: number;
  /** Where the line begins, in bytes. */
  readonly offset: number;
  readonly value: unknown;
}

/**
 * A file of JSON values, one in each line, that only grows.
 *
 * - `append` hands the lines to the operating system: they survive the death of this process.
 * - `sync` returns once the disk has them: they survive a power failure.
 * - A process that dies while it writes leaves a last line without its end. `open` cuts that off:
 *   the caller was never told that the write was done. The next `append` does the same after one
 *   that failed.
 */
export class LineLog {
  private readonly fd: number;
  private end = 0;
  /** A write has failed: bytes behind `end` are to be cut off. */
  private torn = false;
  /** The folder may not have the name of the file on the disk. */
  private isNew: boolean;

  constructor(private readonly path: string) {
    this.isNew = !existsSync(path);
    this.fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  }

  /**
   * Reads the lines. Call it once, before anything else.
   * @returns how many bytes of an unfinished last line were cut off
   * @throws DamagedFileError for a line that is no JSON
   */
  open(take: (line: Line) => void): number {
    let rest = Buffer.alloc(0);
    let number = 0;
    for (;;) {
      const chunk = Buffer.alloc(CHUNK);
      const length = readSync(this.fd, chunk, 0, CHUNK, this.end + rest.length);
      if (length === 0) break;
      rest = Buffer.concat([rest, chunk.subarray(0, length)]);
      let begin = 0;
      for (let at = rest.indexOf(NEWLINE); at >= 0; at = rest.indexOf(NEWLINE, begin)) {
        const value = parsed(rest.subarray(begin, at), this.path, ++number);
        take({ number, offset: this.end + begin, value });
        begin = at + 1;
      }
      this.end += begin;
      rest = rest.subarray(begin);
    }
    if (rest.length > 0) ftruncateSync(this.fd, this.end);
    return rest.length;
  }

  /** Returns where each of the values begins. */
  append(values: readonly unknown[]): number[] {
    const lines = values.map((value) => Buffer.from(`${JSON.stringify(value)}\n`));
    if (this.torn) ftruncateSync(this.fd, this.end);
    this.torn = true;
    const bytes = Buffer.concat(lines);
    for (let done = 0; done < bytes.length;) {
      done += writeSync(this.fd, bytes, done, bytes.length - done, this.end + done);
    }
    this.torn = false;
    return lines.map(({ length }) => (this.end += length) - length);
  }

  /** The value that begins at an offset and ends before another, or at the end of the file. */
  read(offset: number, next = this.end): unknown {
    const bytes = Buffer.alloc(next - offset);
    readSync(this.fd, bytes, 0, bytes.length, offset);
    return JSON.parse(bytes.toString());
  }

  sync(): void {
    fdatasyncSync(this.fd);
    if (this.isNew) syncDirectory(dirname(this.path));
    this.isNew = false;
  }

  close(): void {
    closeSync(this.fd);
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function parsed(bytes: Uint8Array, path: string, line: number): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch (error) {
    throw new DamagedFileError(path, line, `the line is no JSON (${(error as Error).message})`);
  }
}

/** Makes the names in a folder survive a power failure. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, constants.O_RDONLY);
  fsyncSync(fd);
  closeSync(fd);
}
