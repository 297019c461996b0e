import type { DeadLetter, DeadLetterRecord, Fields } from 'nestjs-redis-streams/driver';
import type { Change } from './changes.js';

type Burial = Extract<Change, { do: 'bury' }>;

/** The dead letters of all streams. */
export class Letters {
  /** By stream with its key prefix, then by id, oldest first. */
  private readonly streams = new Map<string, Map<string, DeadLetter>>();
  /** Ids up to this one were used, for any stream. */
  private last = 0;

  of(stream: string): ReadonlyMap<string, DeadLetter> {
    return this.streams.get(stream) ?? new Map();
  }

  /** The change that stores a letter, with an id of its own. */
  burial(stream: string, record: DeadLetterRecord, fields: Fields): Burial {
    const deadLetterId = String(this.last + 1);
    return { do: 'bury', stream, letter: { ...record, deadLetterId, fields: [...fields] } };
  }

  add(stream: string, letter: DeadLetter): void {
    const letters = this.streams.get(stream) ?? new Map<string, DeadLetter>();
    this.streams.set(stream, letters.set(letter.deadLetterId, letter));
    this.reserve(Number(letter.deadLetterId));
  }

  delete(stream: string, deadLetterId: string): void {
    this.streams.get(stream)?.delete(deadLetterId);
  }

  /** No letter gets an id up to this one. */
  reserve(id: number): void {
    this.last = Math.max(this.last, id);
  }

  *changes(): Iterable<Change> {
    yield { do: 'letters', last: this.last };
    for (const [stream, letters] of this.streams) {
      for (const letter of letters.values()) yield { do: 'bury', stream, letter };
    }
  }
}
