import { InvalidConfigError, type ConfigProblem } from '../core/errors/config.errors.js';
import type { Place } from './file-node.js';

/** Gathers the mistakes of one file. */
export class Findings {
  private readonly found: ConfigProblem[] = [];
  private cause: unknown;

  constructor(readonly file: string) {}

  get count(): number {
    return this.found.length;
  }

  /**
   * @param at undefined: the file itself
   * @param cause error of a driver or schema. The first one becomes the cause of the error
   */
  add(at: Place | undefined, path: string, message: string, cause?: unknown): void {
    const { file } = this;
    this.cause ??= cause;
    this.found.push({ file, line: at?.line, column: at?.column, path, message });
  }

  /** Takes over what was found apart. */
  join(others: Findings): void {
    this.found.push(...others.found);
    this.cause ??= others.cause;
  }

  /** @throws InvalidConfigError naming all mistakes, in the order of the file */
  raise(): void {
    if (this.found.length === 0) return;
    const order = ({ line = 0, column = 0 }: ConfigProblem) => line * 1e6 + column;
    // A part that aliases name several times is read as often. Its mistakes are told once.
    const key = ({ line, column, message }: ConfigProblem) => `${line}:${column} ${message}`;
    const known = new Set<string>();
    const distinct = this.found.filter((one) => !known.has(key(one)) && known.add(key(one)));
    const problems = distinct.toSorted((a, b) => order(a) - order(b));
    throw new InvalidConfigError(problems, this.cause);
  }
}
