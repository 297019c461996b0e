/** Most keys in one run of a script, so that it never blocks the server for long. */
export const KEYS_AT_ONCE = 500;

/** Value of a completed key. No owner is written like this. */
export const DONE = 'done';

/** Done keys of one handler, in one slot of a cluster: their prefix, and the rest of each. */
export interface DoneKeys {
  readonly prefix: string;
  /** Their prefix in version 0.1.0, where that is checked. */
  readonly former?: string | undefined;
  readonly names: readonly string[];
}

export const doneKeysOf = ({ prefix, names }: DoneKeys): string[] =>
  names.map((name) => prefix + name);
