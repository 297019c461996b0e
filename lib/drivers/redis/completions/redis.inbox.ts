import type { Redis } from 'ioredis';
import type { CompletionKey } from '../../../core/completion.js';
import { UnsupportedFeatureError } from '../../../core/errors/start-up.errors.js';
import type { Inbox, InboxOutcome } from '../../../ports/inbox.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import { commitInbox, type QueuedCommand } from './commit-inbox.script.js';

/**
 * The transaction that a handler with the option `inbox` gets on Redis. When the handler has
 * succeeded, one script carries out the queued commands and notes that it did. Their replies are
 * not available.
 */
export class RedisTransaction {
  /** @internal */
  readonly queued: QueuedCommand[] = [];

  /**
   * Queues a write, for example `write('HINCRBY', 'stock', 'apples', -1)`. The key is used as it
   * is, without `keyPrefix`. On a cluster it has to share the slot of the message's stream.
   */
  write(command: string, key: string, ...args: (string | number)[]): void {
    this.queued.push({ command, keys: [key], args });
  }
}

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
