import type { OutgoingReply } from '../../../core/reply.js';
import type { Database } from '../connection/database.js';
import type { Hints } from '../connection/hints.js';
import { toStored } from '../sql/exact-text.js';
import { storedFields } from '../sql/stored-fields.js';

type Outcome = 'sent' | 'gone' | Error;

interface Waiting {
  readonly replies: readonly OutgoingReply[];
  readonly resolve: (outcomes: Outcome[]) => void;
}

/** Kind of the hints that a box has answers. */
export const REPLIES_KIND = 'replies';

export interface ReplyingOptions {
  readonly database: Database;
  readonly hints: Hints;
  readonly prefix: string;
}

/**
 * Writes answers, one statement after the other, so that they keep their order. What comes meanwhile
 * is written together.
 */
export class Replying {
  private waiting: Waiting[] = [];
  private writing: Promise<void> | undefined;

  constructor(private readonly parts: ReplyingOptions) {}

  send(replies: readonly OutgoingReply[]): Promise<Outcome[]> {
    return new Promise((resolve) => {
      this.waiting.push({ replies, resolve });
      this.writing ??= this.writeAll();
    });
  }

  /** Resolves when the server has answered all that was given so far. Undefined: it has. */
  flushed(): Promise<void> | undefined {
    return this.writing;
  }

  private async writeAll(): Promise<void> {
    // Gathers the answers of this turn of the event loop.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const waiting = this.waiting;
      this.waiting = [];
      const outcomes = await this.write(waiting.flatMap(({ replies }) => replies));
      let at = 0;
      for (const one of waiting) one.resolve(outcomes.slice(at, (at += one.replies.length)));
    }
    this.writing = undefined;
  }

  private async write(replies: readonly OutgoingReply[]): Promise<Outcome[]> {
    const { database, hints, prefix } = this.parts;
    try {
      const { rows } = await database.query<{ id: string; address: string }>(
        'answering',
        `with sent as (
          insert into {schema}.reply (box, fields)
          select box.id, given.fields
          from unnest($2::text[], $3::text[]) with ordinality as given(address, fields, at)
          join {schema}.reply_box box on box.prefix = $1 and box.address = given.address
            and box.fresh_until > clock_timestamp()
          order by given.at
          returning box)
        select id, address from {schema}.reply_box where id in (select box from sent)`,
        [
          prefix,
          replies.map(({ to }) => toStored(to)),
          replies.map(({ fields }) => storedFields(fields)),
        ],
      );
      if (rows.length > 0) hints.tell(REPLIES_KIND, ...rows.map(({ id }) => id));
      const boxes = new Set(rows.map(({ address }) => address));
      return replies.map(({ to }) => (boxes.has(toStored(to)) ? 'sent' : 'gone'));
    } catch (error) {
      return replies.map(() => error as Error);
    }
  }
}
