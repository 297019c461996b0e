import type { Redis } from 'ioredis';
import type { OutgoingReply } from '../../../core/reply.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import { isDemoted, typedError } from '../errors/reply-errors.js';

type Outcome = 'sent' | 'gone' | Error;

interface Waiting {
  readonly replies: readonly OutgoingReply[];
  readonly resolve: (outcomes: Outcome[]) => void;
}

/**
 * Options of XADD: creates no stream for a client that is gone, and keeps about this many answers,
 * read or unread.
 */
const BOUNDED = ['NOMKSTREAM', 'MAXLEN', '~', '10000', '*'];

/**
 * Appends answers with one XADD each, on the connection that acknowledges: commands are carried out
 * in the order in which they were written. Answers of one turn of the event loop are sent together.
 */
export class Replying {
  /** Answers that were gathered and not written yet. */
  waiting: Waiting[] = [];

  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
  ) {}

  send(replies: readonly OutgoingReply[]): Promise<Outcome[]> {
    return new Promise((resolve) => {
      if (this.waiting.length === 0) process.nextTick(() => void this.flush());
      this.waiting.push({ replies, resolve });
    });
  }

  /**
   * Writes the answers gathered so far, before any other command. Resolves when their outcome is
   * known.
   */
  async flush(): Promise<void> {
    const waiting = this.waiting;
    if (waiting.length === 0) return;
    this.waiting = [];
    const outcomes = await this.append(waiting.flatMap((one) => one.replies));
    let at = 0;
    for (const one of waiting) one.resolve(outcomes.slice(at, (at += one.replies.length)));
  }

  private async append(replies: readonly OutgoingReply[]): Promise<Outcome[]> {
    // Without a pipeline, which costs as much as the command, and does not work on a cluster.
    if (replies.length === 1 || this.commands.topology) {
      return Promise.all(replies.map((reply) => this.single(reply)));
    }
    const key = this.keys.replies(replies[0]!.to);
    try {
      return await this.commands.run('answering', (client) => this.pipeline(client, replies), key);
    } catch (error) {
      return replies.map(() => error as Error);
    }
  }

  private async single({ to, fields }: OutgoingReply): Promise<Outcome> {
    const key = this.keys.replies(to);
    const xadd = (client: Redis) => client.xadd(key, ...BOUNDED, ...fields);
    try {
      return outcomeOf(await this.commands.run('answering', xadd, key));
    } catch (error) {
      return error as Error;
    }
  }

  private async pipeline(client: Redis, replies: readonly OutgoingReply[]): Promise<Outcome[]> {
    const pipeline = client.pipeline();
    for (const { to, fields } of replies) {
      pipeline.xadd(this.keys.replies(to), ...BOUNDED, ...fields);
    }
    const outcomes = (await pipeline.exec()) ?? [];
    return replies.map(({ to }, index) => {
      const [error, id] = outcomes[index] ?? [new Error('no reply')];
      return error ? this.refused(client, error, to) : outcomeOf(id);
    });
  }

  private refused(client: Redis, error: unknown, to: string): Error {
    if (isDemoted(error)) client.disconnect();
    return typedError(error, 'answering', this.keys.replies(to), 'xadd');
  }
}

const outcomeOf = (id: unknown): 'sent' | 'gone' => (id === null ? 'gone' : 'sent');
