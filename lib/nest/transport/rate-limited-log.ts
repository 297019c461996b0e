import type { LoggerService } from '@nestjs/common';
import { systemClock } from '../../core/clock.js';
import { bounded, withoutPasswords } from '../../core/errors/text-of.js';

/** Lines of one kind are logged once in this time, in milliseconds. */
const QUIET_FOR = 10_000;
/** Most kinds remembered. Streams, groups, handlers and kinds of errors bound their number. */
const MOST_REMEMBERED = 1000;
/** Longest text of a field, in bytes. */
const LONGEST = 256;

/** A value that loggers can write as JSON. */
export type LogField = string | number | readonly string[];

/** What a line says as an object, for loggers that write JSON. Never payloads or texts of errors. */
export type LogFields = Readonly<Record<string, LogField>>;

export interface Line {
  readonly level: 'log' | 'warn' | 'error';
  /** Says all that the line says: some loggers drop the fields. */
  readonly text: string;
  /** Lines with the same key are of one kind. @default the text */
  readonly key?: string;
  /** True: the line is written also where others of its kind were. @default false */
  readonly always?: boolean;
  /** The second argument of the logger. Undefined: the logger gets the text alone. */
  readonly fields?: LogFields;
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

  constructor(private readonly logger: LoggerService) {}

  write(line: Line): void {
    if (line.always) return writeLine(this.logger, line);
    const { text, key = text } = line;
    const now = systemClock.now();
    const before = this.kinds.get(key);
    if (before && now - before.since < QUIET_FOR) return this.leaveOut(before, line);
    clearTimeout(before?.timer);
    if (this.kinds.size >= MOST_REMEMBERED) this.kinds.clear();
    this.kinds.set(key, { since: now, left: 0, last: undefined, timer: undefined });
    writeLine(this.logger, line, before?.left);
  }

  /** Writes at once what was left out: the process may end. */
  flush(): void {
    for (const kind of this.kinds.values()) this.tell(kind);
  }

  /** Forgets what was left out of this kind: it is over. */
  drop(key: string): void {
    const kind = this.kinds.get(key);
    if (kind) Object.assign(kind, { left: 0, last: undefined });
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
    if (last) writeLine(this.logger, last, left - 1);
  }
}

/**
 * Writes a line without passwords of urls.
 * @param others number of lines of its kind that were left out. @default 0
 */
export function writeLine(logger: LoggerService, { level, text, fields }: Line, others = 0): void {
  const more = others > 0 ? ` (and ${others} more like it before)` : '';
  const said = withoutPasswords(text) + more;
  if (fields === undefined) logger[level](said);
  else logger[level](said, safe(fields));
}

/** A plain object: Nest's logger takes no other for fields. */
const safe = (fields: LogFields): LogFields =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, safeField(value)]));

function safeField(value: LogField): LogField {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? safeText(value) : value.map(safeText);
}

const safeText = (text: string): string => bounded(withoutPasswords(text), LONGEST);
