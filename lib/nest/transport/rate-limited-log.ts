import type { Logger } from '@nestjs/common';
import { systemClock } from '../../core/clock.js';

/** What is alike is logged once in so long, ms. */
const QUIET_FOR = 10_000;
/** Remembered at most; their number is bounded by streams, groups, handlers and kinds of errors. */
const MOST_REMEMBERED = 1000;

export interface Line {
  readonly level: 'log' | 'warn' | 'error';
  readonly text: string;
  /** Lines with the same key are alike. @default the text */
  readonly key?: string;
}

/** A kind of line that was written, and what was left out since. */
interface Written {
  since: number;
  left: number;
  last: Line | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** Writes one line of a kind in ten seconds, and says how many others there were. */
export class RateLimitedLog {
  private readonly kinds = new Map<string, Written>();

  constructor(private readonly logger: Logger) {}

  write(line: Line): void {
    const { text, key = text } = line;
    const now = systemClock.now();
    const before = this.kinds.get(key);
    if (before && now - before.since < QUIET_FOR) return this.leaveOut(before, line);
    clearTimeout(before?.timer);
    if (this.kinds.size >= MOST_REMEMBERED) this.kinds.clear();
    this.kinds.set(key, { since: now, left: 0, last: undefined, timer: undefined });
    this.print(line, before?.left ?? 0);
  }

  /** The last one is written once the time is over, where none comes by then. */
  private leaveOut(kind: Written, line: Line): void {
    kind.left++;
    kind.last = line;
    kind.timer ??= setTimeout(() => {
      const { left, last } = kind;
      Object.assign(kind, { since: systemClock.now(), left: 0, last: undefined, timer: undefined });
      if (last) this.print(last, left - 1);
    }, QUIET_FOR).unref();
  }

  private print({ level, text }: Line, others: number): void {
    const more = others > 0 ? ` (and ${others} more like it before)` : '';
    this.logger[level](withoutPasswords(text) + more);
  }
}

/** A url that found its way into a foreign error. */
const withoutPasswords = (text: string): string =>
  text.replace(/\b([a-z]+:\/\/)[^\s/@]*@/gi, '$1***@');
