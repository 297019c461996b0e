import { systemClock } from '../../../core/clock.js';

/** After a lost answer the server may still hand out entries, for so long, in milliseconds. */
const LOST_FOR = 30_000;
/** The clock of the server may run a little slower, in milliseconds. */
const SLACK = 1000;

/**
 * Knows when entries may have become this consumer's that are not known here. Another process with
 * the same name has entries, too: only those are adopted that fit.
 */
export class UnknownEntries {
  /** They were kept fresh between these times of the clock of this process. Undefined: there are none. */
  window: { from: number; to: number } | undefined;
  private readonly began = systemClock.now();
  private lost = { from: -Infinity, at: -Infinity };

  /** Those of an earlier process. */
  before(): void {
    this.widen(-Infinity, this.began);
  }

  /** Those of a question that was asked at this time, and perhaps of one that is still carried out. */
  answerLost(askedAt: number): void {
    const now = systemClock.now();
    const isOther = now - this.lost.at > LOST_FOR;
    this.lost = { from: isOther ? askedAt - SLACK : this.lost.from, at: now };
    this.widen(this.lost.from, Infinity);
  }

  /**
   * After a look. `found`: entries were not kept fresh for `idleTimeout`. `displaced`: an entry was
   * handed out while an older lease of it was held.
   */
  looked(idleTimeout: number, { found, displaced }: { found: boolean; displaced: boolean }): void {
    const now = systemClock.now();
    if (now - this.lost.at < LOST_FOR) this.widen(this.lost.from, Infinity);
    if (found) this.widen(-Infinity, now - idleTimeout);
    if (displaced) this.widen(this.began, Infinity);
  }

  /** How long ago they were kept fresh, in milliseconds. */
  ages(): { readonly oldest: number; readonly youngest: number } {
    const now = systemClock.now();
    const { from, to } = this.window!;
    return { oldest: now - from, youngest: Math.max(0, now - to) };
  }

  adopted(): void {
    this.window = undefined;
  }

  private widen(from: number, to: number): void {
    const { window } = this;
    this.window = {
      from: Math.min(from, window?.from ?? Infinity),
      to: Math.max(to, window?.to ?? -Infinity),
    };
  }
}
