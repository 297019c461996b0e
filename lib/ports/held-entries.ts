import type { DeadLetterRecord } from '../core/dead-letter-record.js';
import type { Fields } from '../core/message.js';

/**
 * The consumer to which held entries are pending, in lists of pending entries. No program runs under
 * this name.
 */
export const HELD_CONSUMER = '{held}';

/** An entry that was given up, and stays pending until an operator releases it. */
export interface HeldEntry extends DeadLetterRecord {
  /** Id of the held entry itself, for `release`. */
  readonly heldId: string;
  /** The fields as they are on the stream. Empty where their data was deleted. */
  readonly fields: Fields;
}

/** One page of held entries. */
export interface HeldPage {
  readonly items: readonly HeldEntry[];
  /** Pass as `after` to get the next page. Undefined at the end. */
  readonly next?: string;
}

/** Selects held entries of a stream: by ids, by group, or by both. */
export type HeldFilter =
  | { readonly ids: readonly string[]; readonly group?: string }
  | { readonly group: string; readonly ids?: never };

/**
 * Optional port: entries on hold. A source with this port keeps the entry of a dead letter whose
 * `action` is `hold`, in place of storing the dead letter:
 * - The entry stays pending to its group, and is noted with its record, in one step. Both survive
 *   every process.
 * - No consumer of the group is handed the entry, however long it stays idle: not by reading, taking
 *   over, adopting or handing over, and not the next owner of an ordered or load balanced stream.
 *   `PendingEntries.claim` passes it over. Its consumer, as lists name it, is {@link HELD_CONSUMER}:
 *   that one is not listed among consumers, and never counts as live or crashed.
 * - The entry can be acknowledged by its id, and goes with its group.
 * - `settle` carried out twice returns `gone`. Where the data was deleted, it does nothing and returns
 *   `unheld`: the engine then settles the dead letter with another action.
 */
export interface HeldEntries {
  /** Returns `limit` entries at most, by their ids. Of a group that does not exist: none. */
  list(stream: string, group: string, limit: number, after?: string): Promise<HeldPage>;
  /**
   * Hands entries back to their group, to any consumer of it, as a redrive does: they keep stream and
   * id, their attempts count from the beginning, and each moves in one step. Those that are held
   * later, while this runs, are not released. Returns how many; an entry whose data was deleted is
   * dropped, and does not count.
   * @throws InvalidOptionsError for an invalid id, before anything is released
   */
  release(stream: string, filter: HeldFilter): Promise<number>;
  /**
   * Acknowledges entries that are on hold, and stores nothing of them. Returns how many. Each goes in
   * one step.
   * @throws InvalidOptionsError for an invalid id, before anything is acknowledged
   */
  purge(stream: string, filter: HeldFilter): Promise<number>;
}
