import type { Logger } from '@nestjs/common';
import { systemClock } from '../../core/clock.js';

/** Lines of one kind are logged once in this time, in milliseconds. */
const QUIET_FOR = 10_000;
/** Most kinds remembered. Streams, groups, handlers and kinds of errors bound their number. */
const MOST_REMEMBERED = 1000;

export interface Line {
  readonly level: 'log' | 'warn' | 'error';
  readonly text: string;
  /** Lines with the same key are of one kind. @default the text */
  readonly key?: string;
}

/** A kind of line that was written, and the lines of this kind that were left out since. */
interface Written {
  since: number;
  left: number;
  last: Line | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** Writes one line of each kind in ten seconds, and says how many others were left out. */
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

  /** Writes at once what was left out: the process may end. */
  flush(): void {
    for (const kind of this.kinds.values()) this.tell(kind);
  }

  /** Writes the last line when the time is over, if no other line of the kind comes. */
  private leaveOut(kind: Written, line: Line): void {
    kind.left++;
    kind.last = line;
    kind.timer ??= setTimeout(() => this.tell(kind), QUIET_FOR).unref();
  }

  private tell(kind: Written): void {
    const { left, last, timer } = kind;
    clearTimeout(timer);
    Object.assign(kind, { since: systemClock.now(), left: 0, last: undefined, timer: undefined });
    if (last) this.print(last, left - 1);
  }

  private print({ level, text }: Line, others: number): void {
    const more = others > 0 ? ` (and ${others} more like it before)` : '';
    this.logger[level](withoutPasswords(text) + more);
  }
}

/** Removes passwords from urls in texts of foreign errors. */
const withoutPasswords = (text: string): string =>
  text.replace(/\b([a-z]+:\/\/)[^\s/@]*@/gi, '$1***@');
