import type { CompletionKey } from '../../core/completion.js';
import type { Inbox, InboxOutcome } from '../../ports/inbox.js';
import type { MemoryBroker } from './broker/memory.broker.js';

/**
 * The transaction of a handler with the option `inbox`: its effects happen when the handler has
 * succeeded.
 */
export class MemoryTransaction {
  /** @internal */
  readonly effects: (() => void)[] = [];

  /**
   * Adds an effect. All effects of the run are called in their order, unless the run fails or is a
   * duplicate.
   */
  write(effect: () => void): void {
    this.effects.push(effect);
  }
}

/** An inbox with effects in this process. */
export class MemoryInbox implements Inbox<MemoryTransaction> {
  constructor(
    private readonly broker: MemoryBroker,
    private readonly keyPrefix: string,
  ) {}

  async run<T>(
    key: CompletionKey,
    ttl: number,
    work: (transaction: MemoryTransaction) => Promise<T>,
  ): Promise<InboxOutcome<T>> {
    const { noted } = this.broker.stream(this.keyPrefix + key.stream);
    if (noted.isDone(key)) return { duplicate: true };
    const transaction = new MemoryTransaction();
    const result = await work(transaction);
    if (noted.isDone(key)) return { duplicate: true };
    for (const effect of transaction.effects) effect();
    noted.complete({ claim: key, ttl });
    return { duplicate: false, result };
  }
}
