import type { OutgoingReply } from '../../../core/reply.js';
import type { Replies, ReplyBox, ReplyBoxOptions } from '../../../ports/replies.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import type { Names } from '../names/names.js';
import { NatsReplyBox } from './nats.reply-box.js';
import { Replying } from './replying.js';

export interface NatsRepliesParts {
  readonly connection: NatsConnection;
  readonly names: Pick<Names, 'replies'>;
  /** The clock that stamps messages, in milliseconds since the epoch. */
  readonly now: () => number | Promise<number>;
  /** How many groups read a stream. */
  readonly readers: (stream: string) => Promise<number>;
}

/** Answers over core NATS: they are for callers that wait, and are stored nowhere. */
export class NatsReplies implements Replies {
  private readonly replying: Replying;

  constructor(private readonly parts: NatsRepliesParts) {
    this.replying = new Replying(parts);
  }

  open(options: ReplyBoxOptions): ReplyBox {
    return new NatsReplyBox({ ...this.parts, ...options });
  }

  send(replies: readonly OutgoingReply[]): Promise<('sent' | 'gone' | Error)[]> {
    return this.replying.send(replies);
  }

  now(): number | Promise<number> {
    return this.parts.now();
  }

  readers(stream: string): Promise<number> {
    return this.parts.readers(stream);
  }

  /** Call it after the last answer was sent. */
  async close(): Promise<void> {
    this.replying.close();
  }
}
