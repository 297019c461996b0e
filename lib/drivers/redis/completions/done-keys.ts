/** Most keys in one run of a script, so that it never blocks the server for long. */
export const KEYS_AT_ONCE = 500;

/** What a key holds that was completed. No owner is written like this. */
export const DONE = 'done';

/** Done keys of one handler, in one slot of a cluster: what they begin with, and how each goes on. */
export interface DoneKeys {
  readonly prefix: string;
  /** What they began with in version 0.1.0, where that is looked at. */
  readonly former?: string | undefined;
  readonly names: readonly string[];
}

export const doneKeysOf = ({ prefix, names }: DoneKeys): string[] =>
  names.map((name) => prefix + name);
