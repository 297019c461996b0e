import type { Fields } from '../core/message.js';
import type { DeadLetterRecord } from '../core/dead-letter-record.js';

/** A stored dead letter. */
export interface DeadLetter extends DeadLetterRecord {
  /** Id of the dead letter itself, for `get`, `redrive` and `purge`. */
  readonly deadLetterId: string;
  /** The original fields as they were on the stream, names and values in turn. */
  readonly fields: Fields;
}

/** Selects dead letters of a stream: by ids, by group, by both, or all. */
export type DeadLetterFilter =
  | { readonly ids: readonly string[]; readonly group?: string; readonly all?: never }
  | { readonly group: string; readonly ids?: never; readonly all?: never }
  | { readonly all: true; readonly ids?: never; readonly group?: never };

/** One page of dead letters, oldest first. */
export interface DeadLetterPage {
  readonly items: readonly DeadLetter[];
  /** Pass as `after` to get the next page. Undefined at the end. */
  readonly next?: string;
}

/**
 * Slot 3: where messages go that no run can help. A source stores its own dead letters in the same
 * step as the acknowledgement. `put` serves sources that cannot do so, and queues in another
 * technology.
 */
export interface DeadLetterQueue {
  /**
   * Stores the record and the fields as they are. Returns the id of the dead letter: a new one each
   * time, also for the same entry.
   */
  put(record: DeadLetterRecord, fields: Fields): Promise<string>;
  /**
   * Returns `limit` dead letters at most, oldest first, beginning after the given dead letter id,
   * also where that dead letter is gone. Streams are apart from each other.
   * @throws InvalidOptionsError where `after` can be no id of a dead letter
   */
  list(stream: string, limit: number, after?: string): Promise<DeadLetterPage>;
  /**
   * Returns how many dead letters of the stream are stored, of all groups. Leave it out where only
   * reading them all can tell.
   */
  count?(stream: string): Promise<number>;
  /** Undefined where the dead letter was deleted, or is one of another stream. */
  get(stream: string, deadLetterId: string): Promise<DeadLetter | undefined>;
  /**
   * Hands dead letters back to the group that gave them up, and to no other group. They keep their
   * original stream and id, and their attempts count from the beginning. Each moves in one step.
   * Returns how many. Ids are looked up directly, however many dead letters there are. An id
   * without a dead letter does not count, an id that is given twice counts once, and no ids select
   * nothing. Ids and group together select what is in both.
   * @throws InvalidOptionsError for an invalid id, before anything is moved; also `purge`
   */
  redrive(stream: string, filter: DeadLetterFilter): Promise<number>;
  /** Deletes dead letters for good. Returns how many. */
  purge(stream: string, filter: DeadLetterFilter): Promise<number>;
}
