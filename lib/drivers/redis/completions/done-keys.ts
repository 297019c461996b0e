/** Maximum of keys in one run of a script, so that it never blocks the server for long. */
export const KEYS_AT_ONCE = 500;

/** The value of a completed key. No owner's value looks like this. */
export const DONE = 'done';

/**
 * Done keys of one handler, in one slot of a cluster: their common prefix, and the rest of each.
 */
export interface DoneKeys {
  readonly prefix: string;
  /** Their prefix in version 0.1.0, where that is read too. */
  readonly former?: string | undefined;
  readonly names: readonly string[];
}

export const doneKeysOf = ({ prefix, names }: DoneKeys): string[] =>
  names.map((name) => prefix + name);
