import { createHash } from 'node:crypto';
import type { Database } from './database.js';

/** What one NOTIFY may carry, in bytes. */
const LONGEST = 7900;
/** Hints are gathered for this time, in milliseconds. */
const GATHER = 5;

/** What a hint is about. `what` names streams, groups or keys. An empty list means all of them. */
export type Hint = readonly [kind: string, ...what: string[]];

/** Longest name of a channel, in bytes. */
const LONGEST_CHANNEL = 63;

/** The channel of all hints of a schema. */
export function channelOf(schema: string): string {
  const channel = `${schema}_hints`;
  if (Buffer.byteLength(channel) <= LONGEST_CHANNEL) return channel;
  return `${createHash('md5').update(schema).digest('hex')}_hints`;
}

/**
 * Sends hints to the listeners of all processes. Hints are sent outside of every transaction, since a
 * NOTIFY in a transaction makes its commit wait for those of others. A hint may be lost.
 */
export class Hints {
  private readonly gathered = new Map<string, Set<string>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    /** False: nothing is sent. */
    private readonly wanted: boolean,
  ) {}

  /** Call it after the commit of what the hint is about. Answers at once. */
  tell(kind: string, ...what: readonly string[]): void {
    if (!this.wanted) return;
    const known = this.gathered.get(kind) ?? new Set();
    for (const one of what) known.add(one);
    this.gathered.set(kind, known);
    this.timer ??= setTimeout(() => void this.flush(), GATHER);
  }

  /** Sends what was gathered, without waiting. Resolves in any case. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const payloads = [...this.gathered].flatMap(([kind, what]) => payloadsOf(kind, [...what]));
    this.gathered.clear();
    // While the server is away, looking finds what a hint would have told.
    if (payloads.length === 0 || this.database.isAway) return;
    await this.database
      .query('sending hints', 'select pg_notify($1, payload) from unnest($2::text[]) payload', [
        channelOf(this.database.schema.name),
        payloads,
      ])
      .catch(() => undefined);
  }
}

/** The payloads of as many notifications as it takes. */
export function payloadsOf(kind: string, what: readonly string[]): string[] {
  const payload = JSON.stringify([kind, ...what] satisfies Hint);
  if (Buffer.byteLength(payload) <= LONGEST) return [payload];
  if (what.length === 1) return [JSON.stringify([kind])];
  const half = what.length >> 1;
  return [...payloadsOf(kind, what.slice(0, half)), ...payloadsOf(kind, what.slice(half))];
}
