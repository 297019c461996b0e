import type { CompletionKey } from '../core/completion.js';

/** The result of a run under an inbox. */
export type InboxOutcome<T> =
  | { readonly duplicate: false; readonly result: T }
  /** The key was handled before, and no effect of this run was kept. */
  | { readonly duplicate: true };

/**
 * Optional port: stores the writes of a handler together with the note that they were made, so that
 * they take effect once.
 * - Where the note exists already, `work` is not called.
 * - Where `work` rejects, none of its writes take effect, nothing is noted, and `run` rejects with
 *   the same error.
 * - Of two runs at the same time one takes effect. The other is a duplicate.
 * - Stream, group, handler and key together name the work. A note under the name `formerly` counts.
 * - The note counts in every process, and is forgotten after `ttl`. `work` is called again then.
 *
 * Not its job: claims, which keep two runs from working at the same time.
 */
export interface Inbox<Transaction = unknown> {
  /**
   * @param ttl how long the note is kept, in milliseconds
   * @param work writes through the transaction that it is given, and through nothing else
   */
  run<T>(
    key: CompletionKey,
    ttl: number,
    work: (transaction: Transaction) => Promise<T>,
  ): Promise<InboxOutcome<T>>;
}
