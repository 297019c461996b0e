/** Milliseconds and sequence number of an id. A missing sequence number is 0, as on Redis. */
export function parseId(id: string): readonly [ms: number, sequence: number] {
  const [ms, sequence = '0'] = id.split('-');
  return [Number(ms), Number(sequence)];
}

/** Negative where `a` comes first. */
export function compareIds(a: string, b: string): number {
  const [aMs, aSequence] = parseId(a);
  const [bMs, bSequence] = parseId(b);
  return aMs - bMs || aSequence - bSequence;
}

/** Makes ids `<ms>-<sequence>` that rise strictly, also where the clock stands still or goes back. */
export class IdSequence {
  private ms = 0;
  private sequence = 0;

  next(now: number): string {
    const ms = Math.floor(now);
    if (ms > this.ms) {
      this.ms = ms;
      this.sequence = 0;
    } else {
      this.sequence++;
    }
    return `${this.ms}-${this.sequence}`;
  }
}
