import type { Lease } from '../core/lease.js';
import type { OutgoingEntry } from '../core/message.js';
import type { DeadLetterRecord } from '../core/dead-letter-record.js';
import type {
  Ack,
  DeadLetterIt,
  Leave,
  Release,
  Retry,
  SettleOutcome,
} from '../core/settlement.js';
import type { SourceCapabilities } from './source-capabilities.js';
import type { SqlTransaction } from './sql-transaction.js';
import type { SubscribeOptions, Subscription } from './subscription.js';

/** A settlement that the source has to carry out, with its lease. */
export type Settling = {
  readonly lease: Lease;
} & (
  | { readonly settlement: Ack | Retry | Release | Leave }
  /** `record` is complete except for what only the source knows. */
  | { readonly settlement: DeadLetterIt; readonly record: DeadLetterRecord }
);

/**
 * Slot 1, the heart of a driver: where messages come from and go to.
 *
 * Not its job: backoff, counting towards a limit, deciding on dead letters, concurrency, decoding,
 * metrics. The engine does all of that, once for all drivers.
 */
export interface MessageSource {
  readonly capabilities: SourceCapabilities;

  /**
   * Appends entries, each to its stream, in the order given within one stream. Returns one id per
   * entry, or the error of that entry, so that a refused entry does not hide what became of others.
   * Never resends on its own what may have been written.
   * - An id is unique within its stream, and is the id that readers see.
   * - Fields come back as they were, in their order: any Unicode text, empty texts, a name twice.
   * - Fields are copied: what the caller changes later changes nothing.
   * - `publishedAt` of the lease is the time of publication, by the server's clock.
   * - Streams are named without the key prefix, here and in leases. Two prefixes share nothing.
   * - An empty batch returns an empty list.
   * - Refused are an entry that is no list of names and values in turn (no fields, or a name without a
   *   value), and what the technology cannot take, such as a message that is too long.
   *
   * With an idempotency key: where an entry of this stream was published with this key within the
   * window, by any producer, nothing is appended and the id of that entry is returned. A refused
   * entry does not use up its key.
   */
  publish(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]>;

  /**
   * Optional: appends entries within a transaction of the application, in the database that the
   * source reads. Consumers see them once the application has committed, and never where it rolls
   * back.
   * - Returns one id per entry. Entries with `when` are scheduled, as by `DelayStore.schedule`.
   * - Rejects where one entry is refused. The transaction may be spoilt then, and the application
   *   rolls it back.
   * - Sends no hint within the transaction: consumers find the entries at their next poll.
   *
   * Leave it out where messages are not in a database with transactions of the application.
   */
  publishWithin?(transaction: SqlTransaction, entries: readonly OutgoingEntry[]): Promise<string[]>;

  /**
   * Creates what is missing (group, consumer) and begins to read. Rejects if it cannot. A group
   * that was deleted on purpose is not created: its stream is left out until the group exists
   * again.
   * - A group that does not exist begins where `startId` says: at the first entry, at the next one,
   *   or behind the entry with this id. A group that exists goes on where it was.
   * - A stream that does not exist yet is waited for.
   * - Rejects for a `startId` that is neither `0` nor `$` nor an id.
   */
  subscribe(options: SubscribeOptions): Promise<Subscription>;

  /**
   * Carries out settlements, in any order, as one batch. Returns one outcome per settlement, or an
   * Error where it was refused or its fate is unknown, for example after a lost connection.
   * - The engine tries those with an Error again; where that is `permanent`, it makes the message of an
   *   acknowledgement with `publish` a dead letter instead. So a settlement that is carried out twice must
   *   return `gone`, and not fail.
   * - A plain acknowledgement always returns `settled`, no matter which consumer owns the entry:
   *   the work is done. Only under guards, or where the source holds partitions, it may be `lost`.
   * - All other settlements are behind the fence: `lost` where another consumer, or a later run of
   *   the same one, has the entry. Then nothing is published or stored, and the entry is not touched.
   *
   * What a settlement does:
   * - Acknowledge with `publish`: appends the messages in their order, each to its stream, then
   *   forgets the entry. With `atomicPublish` it does neither where one of them is refused.
   * - Dead-letter with the action `hold`: see the port `HeldEntries`. Only where there is that port.
   * - Dead-letter: stores `record` with the fields that the lease was handed, then forgets the entry.
   *   Each group that gives up has a dead letter of its own. Comes only to a driver with the port
   *   `deadLetters`, and only where the slot `deadLetterQueue` names no other queue. Without any queue
   *   the engine acknowledges instead.
   * - Retry: with `redelivers` the source hands the entry out again after the delay. Otherwise the
   *   lease stays, is not `charged` any more, and is fresh; `gone` where its data was deleted. With
   *   `uncharged` a run that was counted is taken back. Or the source moves the message aside and
   *   returns `moved`, unless the retry is `inPlace`. Carried out twice, it returns `moved` again.
   * - Release: any consumer may take the entry at once. Released entries keep their order. A run that
   *   was charged is taken back; runs that ended stay counted. With `elsewhere` the entry goes to
   *   other consumers only, and the lease may `begin` until one has taken it.
   * - Leave: the entry stays pending to its consumer. A run that was charged is taken back, and the
   *   entry ages from now on.
   */
  settle(batch: readonly Settling[]): Promise<(SettleOutcome | Error)[]>;

  /**
   * Returns an id up to which the group has settled everything, as high as the source can tell: below
   * the oldest entry that any consumer of the group has pending, parked and released entries
   * included, and not above what was handed out. No entry need have this id. A consumer that resumes
   * behind it skips nothing.
   * - What was skipped by `startId`, or by setting the position of the group, counts as settled.
   *   Redriven and released messages count as settled.
   * - Undefined: there is nothing that the group has settled, or no such group. Creates neither group
   *   nor stream.
   *
   * Leave it out where the source cannot tell: the engine then follows its own settlements.
   */
  settledUpTo?(stream: string, group: string): Promise<string | undefined>;

  /**
   * Frees connections and timers, after every subscription was closed. Other connections to the same
   * data go on. Idempotent.
   */
  close(): Promise<void>;
}

/** {@link MessageSource.settle}, or a function around it. */
export type Settle = MessageSource['settle'];
