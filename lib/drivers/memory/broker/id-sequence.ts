/**
 * Makes ids `<ms>-<sequence>` that rise strictly, even when the clock stands still or goes back.
 */
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
