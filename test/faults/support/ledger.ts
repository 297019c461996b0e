import { closeSync, existsSync, openSync, readSync } from 'node:fs';

/** What a worker noted about one delivery. */
export interface Note {
  /** `started`, `handled`, `aborted`, or how it was settled if not handled. */
  readonly what: string;
  readonly at: number;
  readonly stream: string;
  readonly id: string;
  readonly attempt: number;
  readonly worker: string;
}

/** Reads the notes of one worker as they are written. */
export class Ledger {
  readonly notes: Note[] = [];
  private offset = 0;
  private rest = '';
  private readonly buffer = Buffer.alloc(1 << 16);

  /** @param onNote told of each note, once */
  constructor(
    readonly file: string,
    private readonly worker: string,
    private readonly onNote: (note: Note) => void,
  ) {}

  /** Takes in what was written since. */
  read(): void {
    if (!existsSync(this.file)) return;
    const file = openSync(this.file, 'r');
    for (;;) {
      const size = readSync(file, this.buffer, 0, this.buffer.length, this.offset);
      if (size === 0) break;
      this.offset += size;
      this.take(this.buffer.toString('latin1', 0, size));
    }
    closeSync(file);
  }

  private take(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop()!;
    for (const line of lines) {
      const [what, at, stream, id, attempt] = line.split(' ') as [string, ...string[]];
      const note = { what, at: Number(at), stream: stream!, id: id!, attempt: Number(attempt) };
      this.notes.push({ ...note, worker: this.worker });
      this.onNote(this.notes.at(-1)!);
    }
  }
}
