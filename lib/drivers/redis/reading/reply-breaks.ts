import { ReplyBrokenError } from '../../../core/errors/server.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import { systemClock } from '../../../core/clock.js';
import { AT_ONCE } from '../held-entries/careful-fetch.js';
import type { Commands } from '../connection/commands.js';
import type { EntrySizes } from '../held-entries/entry-sizes.js';
import type { ReadKey } from '../held-entries/redis.lease.js';
import { replyLimit } from '../held-entries/reply-limit.js';

/** How long a limit that the server named is used, in milliseconds. */
const KNOWN_FOR = 60_000;
/**
 * Where no part of a reply has arrived: this many reads in a row, each with a connection that ended
 * at once, count as a break.
 */
const TELLING = 2;

/** A read whose reply has not arrived. */
export interface Asked {
  readonly sources: readonly ReadKey[];
  /** Most entries of each stream. */
  readonly count: number;
  /** When it was sent. */
  readonly at: number;
  /** How many reads of this reader had ended before. */
  readonly before: number;
}

export interface ReplyBreaksOptions {
  readonly commands: Commands;
  readonly events: EventBus;
  readonly group: string;
  readonly sizes: EntrySizes;
}

/**
 * Judges connections that ended in the middle of a read: the server ends those whose reply is too
 * large.
 */
export class ReplyBreaks {
  /** Number of reads in a row that ended the connection. */
  private inARow = 0;
  /** How many reads had ended before these. */
  private before = 0;
  private known: { readonly limit: number | undefined; readonly at: number } | undefined;

  constructor(private readonly options: ReplyBreaksOptions) {}

  /** @param partly whether a part of the reply had arrived */
  ended(asked: Asked, partly: boolean, error: unknown): void {
    if (!partly && systemClock.now() - asked.at > AT_ONCE) return;
    this.inARow = asked.before === this.before ? this.inARow + 1 : 1;
    this.before = asked.before;
    const { sizes } = this.options;
    sizes.replyBroke();
    sizes.readBroke(
      asked.sources.map(({ key }) => key),
      asked.count,
    );
    void this.tell(asked, partly || this.inARow >= TELLING, error);
  }

  private async tell({ sources, count }: Asked, certain: boolean, error: unknown): Promise<void> {
    const limit = await this.limit(sources[0]!.key);
    // Without a limit another cause ended the connection, which is reported as such.
    if (limit === undefined ? !certain : limit === 0) return;
    const { events, group } = this.options;
    const streams = [...new Set(sources.map(({ stream }) => stream))];
    const entries = count * sources.length;
    const broken = new ReplyBrokenError(group, streams, entries, limit, error);
    events.emit('reply-broken', { streams, group, entries, limit, error: broken });
  }

  private async limit(key: string): Promise<number | undefined> {
    const now = systemClock.now();
    if (this.known && now - this.known.at < KNOWN_FOR) return this.known.limit;
    const limit = await replyLimit(this.options.commands, key);
    this.known = { limit, at: now };
    return limit;
  }
}
