import type { Redis } from 'ioredis';
import type { CompletionKey } from '../../../core/completion.js';
import { UnsupportedFeatureError } from '../../../core/errors/start-up.errors.js';
import type { Inbox, InboxOutcome } from '../../../ports/inbox.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import { commitInbox } from './commit-inbox.script.js';
import { RedisTransaction } from './redis.transaction.js';

/** Writes to Redis, and notes that it did beside the stream of the message. */
export class RedisInbox implements Inbox<RedisTransaction> {
  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
  ) {}

  async run<T>(
    key: CompletionKey,
    ttl: number,
    work: (transaction: RedisTransaction) => Promise<T>,
  ): Promise<InboxOutcome<T>> {
    const note = this.keys.inbox(key);
    const former = this.keys.formerInbox(key);
    const notes = former === undefined ? [note] : [note, former];
    const look = (client: Redis) => client.exists(...notes);
    if ((await this.commands.run('looking into the inbox', look, note)) > 0)
      return { duplicate: true };
    const transaction = new RedisTransaction();
    const result = await work(transaction);
    const { queued } = transaction;
    this.refuseOtherSlots([note, ...queued.flatMap(({ keys }) => keys)]);
    const word = await this.commands.run(
      'writing with the inbox',
      (client) => commitInbox(client, { note, former, ttl, queued }),
      note,
    );
    return word === 'noted' ? { duplicate: true } : { duplicate: false, result };
  }

  private refuseOtherSlots(keys: readonly string[]): void {
    if (this.commands.together(keys)) return;
    throw new UnsupportedFeatureError(
      'A transaction over several slots',
      'a Redis Cluster',
      'Give the keys that it writes the hash tag of the stream, as in {orders}:stock.',
    );
  }
}
