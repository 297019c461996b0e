/**
 * After an outage owners get this time to return and keep their entries fresh, in milliseconds.
 * During the outage they could not do so, and they may still work on the entries.
 */
export const OWNERS_RETURN = 2500;

/**
 * Length of an outage whose beginning is not known, in milliseconds: while owners may return,
 * nothing is taken over.
 */
const UNKNOWN = 86_400_000;

/** Maximum of outages remembered. */
const MOST = 100;

interface Outage {
  /** From the last sign of life to the next one, in milliseconds. */
  readonly lasted: number;
  readonly end: number;
}

/**
 * Remembers when the server of a connection was away, or could not be reached. Times are those of a
 * clock that never jumps, in milliseconds.
 */
export class Outages {
  /** Oldest first. */
  private past: Outage[] = [];
  private underWay = 0;
  /** Time of the last sign of life, while a reply is awaited. */
  private silentSince = 0;
  /** Time of the last sign of life before a reply was missed or the connection broke. */
  private began: number | undefined;

  /** Call it when a command is sent. */
  sent(now: number): void {
    if (this.underWay++ === 0) this.silentSince = now;
  }

  /** Call it when a command was answered, also by an error. */
  answered(now: number): void {
    this.underWay--;
    this.silentSince = now;
    this.began = undefined;
  }

  /** A command will get no answer any more. */
  unanswered(): void {
    this.underWay--;
    this.began ??= this.silentSince;
  }

  /** Call it when the connection broke. */
  broke(now: number): void {
    this.began ??= this.underWay > 0 ? this.silentSince : now;
  }

  /**
   * There is a connection again. `unknown`: the outage began before the one that this object saw.
   */
  over(now: number, beginning: 'known' | 'unknown'): void {
    const lasted = beginning === 'known' ? now - (this.began ?? now) : UNKNOWN;
    this.past.push({ lasted, end: now });
    if (this.past.length > MOST) this.past.shift();
    this.began = undefined;
  }

  /**
   * Returns how many milliseconds longer than `idle` an entry must have been left alone before its
   * owner counts as gone. This is 0 once owners had time to return since the last outage. Before that
   * it is the time that owners need to return, and the length of each outage within the entry's
   * idle time. A connection that breaks again and again therefore delays a takeover, and does not
   * prevent it.
   */
  allowance(idle: number, now: number): number {
    const last = this.past.at(-1);
    if (!last || now - last.end >= OWNERS_RETURN) return 0;
    let allowance = OWNERS_RETURN;
    for (const { lasted, end } of this.past.toReversed()) {
      if (now - end > idle + allowance) break;
      if (lasted < UNKNOWN || now - end < OWNERS_RETURN) allowance += lasted;
    }
    return Math.ceil(allowance);
  }
}
