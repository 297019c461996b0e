import type { Fields } from '../core/message.js';
import { shown } from '../core/declaring/wording.js';
import { isEntryId } from '../core/entry-id.js';
import { InvalidOptionsError } from '../core/errors/start-up.errors.js';
import type { DeadLetterReason } from '../core/settlement.js';
import type { ErrorRecord } from '../core/errors/error-record.js';

/** Everything known about a dead letter, beside the original fields. */
export interface DeadLetterRecord {
  /** Stream and id that the message was first published to and under. */
  readonly stream: string;
  readonly id: string;
  readonly group: string;
  readonly consumer: string;
  /** Runs that were charged. 0 where it never ran. */
  readonly attempts: number;
  readonly reason: DeadLetterReason;
  readonly error?: ErrorRecord;
  /** ISO 8601. */
  readonly publishedAt: string;
  /** ISO 8601. */
  readonly deadLetteredAt: string;
}

/** A stored dead letter. */
export interface DeadLetter extends DeadLetterRecord {
  /** Id of the dead letter itself, to get, redrive or purge it by. */
  readonly deadLetterId: string;
  /** The original fields, name and value in turn, as they were on the stream. */
  readonly fields: Fields;
}

/** Which dead letters of a stream are meant: some by their ids, those of a group, what is both, or all. */
export type DeadLetterFilter =
  | { readonly ids: readonly string[]; readonly group?: string; readonly all?: never }
  | { readonly group: string; readonly ids?: never; readonly all?: never }
  | { readonly all: true; readonly ids?: never; readonly group?: never };

/**
 * For drivers whose dead letters have the ids of entries.
 * @throws InvalidOptionsError for what cannot be one
 */
export function refuseLetterIds(ids: readonly string[] = []): void {
  const problems = ids.flatMap((id, at) =>
    isEntryId(id)
      ? []
      : [
          `ids[${at}] must be the deadLetterId of a dead letter ("1700000000000-0"), not ${shown(id)}`,
        ],
  );
  if (problems.length > 0) throw new InvalidOptionsError(problems);
}

/** One page of dead letters, oldest first. */
export interface DeadLetterPage {
  readonly items: readonly DeadLetter[];
  /** Pass as `after` to get the next page. Undefined at the end. */
  readonly next?: string;
}

/**
 * Slot 3: where messages go that no run can help. A source stores its own dead letters in the same
 * step as the ack; `put` serves sources that cannot, and queues in another technology.
 */
export interface DeadLetterQueue {
  put(record: DeadLetterRecord, fields: Fields): Promise<string>;
  /** Oldest first, `limit` at most, beginning after the given dead letter id. */
  list(stream: string, limit: number, after?: string): Promise<DeadLetterPage>;
  get(stream: string, deadLetterId: string): Promise<DeadLetter | undefined>;
  /**
   * Hands dead letters back to the group that gave them up, and to no other group, with their
   * original stream and id and a fresh count of attempts. Each moves in one step. Answers how many.
   * Ids are looked up, however many others there are; an id without a dead letter counts for nothing.
   * @throws InvalidOptionsError for what cannot be an id here, before anything is moved; also `purge`
   */
  redrive(stream: string, filter: DeadLetterFilter): Promise<number>;
  /** Deletes dead letters for good. Answers how many. */
  purge(stream: string, filter: DeadLetterFilter): Promise<number>;
}
