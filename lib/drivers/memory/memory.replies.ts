import { randomBytes } from 'node:crypto';
import { ClosedError } from '../../core/errors/start-up.errors.js';
import type { Replies, ReplyBox, ReplyBoxOptions } from '../../ports/replies.js';
import type { OutgoingReply } from '../../core/reply.js';
import type { MemoryBroker } from './broker/memory.broker.js';

/** Answers within this process. They arrive at the end of the turn. */
export class MemoryReplies implements Replies {
  constructor(
    private readonly broker: MemoryBroker,
    private readonly keyPrefix: string,
  ) {}

  open({ onReplies }: ReplyBoxOptions): ReplyBox {
    const address = `client-${randomBytes(9).toString('base64url')}`;
    const key = this.keyPrefix + address;
    const { boxes } = this.broker;
    let closed = false;
    return {
      address,
      ready: () => {
        if (closed) return Promise.reject(new ClosedError('The reply box'));
        boxes.set(key, onReplies);
        return undefined;
      },
      close: async () => {
        closed = true;
        boxes.delete(key);
      },
    };
  }

  async send(replies: readonly OutgoingReply[]): Promise<('sent' | 'gone')[]> {
    return replies.map(({ to, fields }) => {
      const key = this.keyPrefix + to;
      if (!this.broker.boxes.has(key)) return 'gone';
      const copy = [...fields];
      process.nextTick(() => {
        this.broker.boxes.get(key)?.([copy]);
        this.broker.changed();
      });
      return 'sent';
    });
  }

  now(): number {
    return this.broker.clock.wallTime();
  }

  async readers(stream: string): Promise<number> {
    return this.broker.readersOf(this.keyPrefix + stream);
  }
}
