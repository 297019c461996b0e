/** A write of a transaction. */
export interface QueuedCommand {
  readonly command: string;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

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
