import type { Target } from './file-keys.js';

/** In place of a value that is wrong, or not known. */
export const BROKEN = Symbol('broken');

/** What is read of an object of options. */
export type Values = Record<string, unknown>;

/** Gathers the values of options, each set by one key. */
export class Assignments {
  readonly values: Values = {};
  private readonly setBy = new Map<string, string>();

  /**
   * Sets all that a key means.
   * @returns a key that has set one of these options before
   */
  all(key: string, targets: readonly Target[], written: unknown): string | undefined {
    let before: string | undefined;
    for (const { path, means } of targets) {
      const value = written === BROKEN ? BROKEN : means(written);
      if (value === undefined) continue;
      const option = path.join('.');
      before ??= this.setBy.get(option);
      this.setBy.set(option, key);
      this.one(path, value);
    }
    return before;
  }

  private one(path: readonly string[], value: unknown): void {
    let around = this.values;
    for (const name of path.slice(0, -1)) {
      // What is broken stays broken.
      if (around[name] === BROKEN) return;
      around = (around[name] ??= {}) as Values;
    }
    const last = path.at(-1)!;
    const known = around[last];
    const joins = isValues(known) && isValues(value);
    around[last] = joins ? { ...known, ...value } : value;
    if (value === BROKEN) this.values[path[0]!] = BROKEN;
  }
}

const isValues = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
