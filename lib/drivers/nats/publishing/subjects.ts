import type { Names } from '../names/names.js';

/** Subjects that are remembered. When there are more, all are made anew. */
const MOST = 10_000;

/** The subjects of streams. Remembers them: to make one takes longer than to encode a message. */
export class Subjects {
  private readonly known = new Map<string, string>();

  constructor(private readonly names: Pick<Names, 'subject'>) {}

  of(stream: string): string {
    const known = this.known.get(stream);
    if (known !== undefined) return known;
    if (this.known.size >= MOST) this.known.clear();
    const subject = this.names.subject(stream);
    this.known.set(stream, subject);
    return subject;
  }
}
