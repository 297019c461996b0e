import type { DeadLetter } from 'nestjs-redis-streams/driver';
import type { StoredEntry } from './stream.log.js';

/** A dead letter that was handed back to its group. It is not in the stream a second time. */
export interface Redriven extends Omit<StoredEntry, 'id'> {
  readonly id: string;
  /** Id of the dead letter that it was. */
  readonly letter: number;
}

/** Names with the key prefix. */
interface OfGroup {
  readonly stream: string;
  readonly group: string;
}

export type GroupChange =
  /** Entries up to `to` are handed out. The first one of a group says where it begins. */
  | ({ readonly do: 'read'; readonly to: number } & OfGroup)
  /** The entry is pending, with this number of runs. */
  | ({ readonly do: 'runs'; readonly entry: number | Redriven; readonly runs: number } & OfGroup)
  | ({ readonly do: 'settle'; readonly key: string } & OfGroup);

/**
 * One change of what is stored, but for plain publications. A line of the journal is a list of
 * changes, which happen together or not at all.
 */
export type Change =
  | GroupChange
  /** Published with a settlement. */
  | { readonly do: 'publish'; readonly stream: string; readonly entry: StoredEntry }
  | { readonly do: 'bury'; readonly stream: string; readonly letter: DeadLetter }
  | { readonly do: 'unbury'; readonly stream: string; readonly deadLetterId: string }
  /** Ids of letters up to this one were used. */
  | { readonly do: 'letters'; readonly last: number }
  /** `until` in milliseconds since the epoch. Without it the key stays. */
  | { readonly do: 'set'; readonly key: string; readonly value: string; readonly until?: number }
  | { readonly do: 'unset'; readonly key: string };

const KINDS: Readonly<Record<Change['do'], true>> = {
  read: true,
  runs: true,
  settle: true,
  publish: true,
  bury: true,
  unbury: true,
  letters: true,
  set: true,
  unset: true,
};

/** Whether a line of the journal is a step. */
export const isStep = (value: unknown): value is readonly Change[] =>
  Array.isArray(value) &&
  value.every((change: Partial<Change> | null) => Object.hasOwn(KINDS, change?.do ?? ''));
