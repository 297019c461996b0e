import type { OutgoingReply } from '../../../core/reply.js';
import type { Replies, ReplyBox, ReplyBoxOptions } from '../../../ports/replies.js';
import type { Database } from '../connection/database.js';
import { ServerTime } from '../../server-time/server-time.js';
import type { PostgresRepliesOptions } from './replies.options.js';
import { PostgresReplyBox } from './postgres.reply-box.js';
import { Replying } from './replying.js';

/** Answers through a table. A hint tells the caller's process that there are some. */
export class PostgresReplies implements Replies {
  private readonly replying: Replying;
  private readonly time: ServerTime;

  constructor(private readonly parts: PostgresRepliesOptions) {
    const { database, hints, streams } = parts;
    this.replying = new Replying({ database, hints, prefix: streams.prefix });
    this.time = new ServerTime(() => serverTime(database));
  }

  open(options: ReplyBoxOptions): ReplyBox {
    return new PostgresReplyBox({ ...this.parts, ...options });
  }

  send(replies: readonly OutgoingReply[]): Promise<('sent' | 'gone' | Error)[]> {
    return this.replying.send(replies);
  }

  /** Await it before settling. Undefined: all answers were written. */
  flushed(): Promise<void> | undefined {
    return this.replying.flushed();
  }

  now(): number | Promise<number> {
    return this.time.now();
  }

  async readers(stream: string): Promise<number> {
    const id = await this.parts.streams.find(stream);
    if (id === undefined) return 0;
    const { rows } = await this.parts.database.query<{ readers: string }>(
      'asking who reads',
      `select count(*) as readers from {schema}.grp
      where stream = $1 and not deleted
        and exists (select from {schema}.member where member.grp = grp.id)`,
      [id],
    );
    return Number(rows[0]!.readers);
  }
}

async function serverTime(database: Database): Promise<number> {
  const { rows } = await database.query<{ now: string }>(
    'asking for the time',
    'select {schema}.now_ms() as now',
  );
  return Number(rows[0]!.now);
}
