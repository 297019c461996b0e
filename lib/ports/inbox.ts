import type { CompletionKey } from '../core/completion.js';

/** What a run under an inbox came to. */
export type InboxOutcome<T> =
  | { readonly duplicate: false; readonly result: T }
  /** It was done before, and nothing of this run was kept. */
  | { readonly duplicate: true };

/**
 * Optional port: has the writes of a handler take effect together with the note that they have, so
 * that they take effect once. Where the note is there already, `work` is not called. Where `work`
 * rejects, none of its writes take effect, `run` rejects with the same error, and nothing is noted.
 * Of two runs at a time one takes effect; the other is a duplicate.
 *
 * Not its job: claims, so that two runs do not work at a time.
 */
export interface Inbox<Transaction = unknown> {
  /**
   * @param ttl how long it is noted, ms
   * @param work writes through the transaction that it is given, and by nothing else
   */
  run<T>(
    key: CompletionKey,
    ttl: number,
    work: (transaction: Transaction) => Promise<T>,
  ): Promise<InboxOutcome<T>>;
}
