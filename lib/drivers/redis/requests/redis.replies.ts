import type { Redis } from 'ioredis';
import type { EventBus } from '../../../core/event-bus.js';
import type { Replies, ReplyBox, ReplyBoxOptions } from '../../../ports/replies.js';
import type { OutgoingReply } from '../../../core/reply.js';
import type { Commands } from '../connection/commands.js';
import type { Connector } from '../connection/connector.js';
import type { Keys } from '../keys/keys.js';
import { ServerTime } from '../../server-time/server-time.js';
import { RedisReplyBox } from './redis.reply-box.js';
import { Replying } from './replying.js';

export interface RedisRepliesOptions {
  readonly connector: Connector;
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
}

/** The clocks of all nodes of a cluster count as one. */
const ANY_NODE = '';

/**
 * Answers through a stream for each client. The stream is bounded, expires, and is never created by
 * the process that answers.
 */
export class RedisReplies implements Replies {
  readonly replying: Replying;
  private readonly time: ServerTime;

  constructor(private readonly options: RedisRepliesOptions) {
    const { commands, keys } = options;
    this.replying = new Replying(commands, keys);
    this.time = new ServerTime(() => serverTime(commands));
  }

  open(options: ReplyBoxOptions): ReplyBox {
    return new RedisReplyBox({ ...this.options, ...options });
  }

  send(replies: readonly OutgoingReply[]): Promise<('sent' | 'gone' | Error)[]> {
    return this.replying.send(replies);
  }

  now(): number | Promise<number> {
    return this.time.now();
  }

  async readers(stream: string): Promise<number> {
    const { commands, keys } = this.options;
    const key = keys.stream(stream);
    const groups = await commands.run(
      'asking who reads',
      (client) => client.xinfo('GROUPS', key),
      key,
    );
    return (groups as unknown[][]).filter((group) => Number(group[3]) > 0).length;
  }
}

async function serverTime(commands: Commands): Promise<number> {
  const ask = (client: Redis) => client.time();
  const [seconds, micros] = await commands.run('asking for the time', ask, ANY_NODE);
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}
