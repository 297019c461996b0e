import type { Database } from '../connection/database.js';
import type { Statements } from '../connection/statements.js';
import type { NameTooLongError } from '../errors/name.errors.js';
import { toStored } from '../sql/exact-text.js';
import { nameProblem } from '../sql/name-limit.js';

/** Most names that are remembered. A process may use many more, each for a short time. */
const REMEMBERED = 100_000;

/**
 * Maps the names of streams to the numbers that the tables know them by. A number that was made for a
 * stream is never that of another one.
 */
export class Streams {
  private readonly ids = new Map<string, number>();
  /** The key prefix, as it is stored. */
  readonly prefix: string;

  constructor(
    private readonly database: Database,
    keyPrefix: string,
  ) {
    this.prefix = toStored(keyPrefix);
  }

  /** The number of a stream, which is made where it does not exist. */
  async idOf(name: string, on: Statements = this.database): Promise<number> {
    return this.ids.get(name) ?? (await this.idsOf([name], on))[0]!;
  }

  /** Undefined: a stream may have this name. */
  problemOf(name: string): NameTooLongError | undefined {
    return this.ids.has(name) ? undefined : nameProblem('stream', name, this.prefix);
  }

  /**
   * The numbers of streams, in the order given. Those that do not exist are made.
   * @throws NameTooLongError: then none is made
   */
  async idsOf(names: readonly string[], on: Statements = this.database): Promise<number[]> {
    const known = this.known(names);
    if (known) return known;
    const found = new Map<string, number | undefined>();
    for (const name of names) found.set(name, this.ids.get(name));
    const unknown = [...found.keys()].filter((name) => found.get(name) === undefined);
    if (unknown.length > 0) await this.make(unknown, on, found);
    return names.map((name) => found.get(name)!);
  }

  /** The numbers of streams, in the order given. Undefined where one was not asked for here before. */
  known(names: readonly string[]): number[] | undefined {
    return names.every((name) => this.ids.has(name))
      ? names.map((name) => this.ids.get(name)!)
      : undefined;
  }

  /** The number of a stream. Undefined where there is no such stream: none is made. */
  async find(name: string, on: Statements = this.database): Promise<number | undefined> {
    const known = this.ids.get(name);
    if (known !== undefined) return known;
    const { rows } = await on.query<{ id: number }>(
      'looking for a stream',
      'select id from {schema}.stream where prefix = $1 and name = $2',
      [this.prefix, toStored(name)],
    );
    const found = rows[0]?.id;
    if (found !== undefined) this.learn(name, found);
    return found;
  }

  /** The tables were made anew: these streams have other numbers, if any. */
  forget(names: Iterable<string>): void {
    for (const name of names) this.ids.delete(name);
  }

  private async make(
    names: readonly string[],
    on: Statements,
    found: Map<string, number | undefined>,
  ): Promise<void> {
    for (const name of names) {
      const problem = this.problemOf(name);
      if (problem) throw problem;
    }
    const { rows } = await on.query<{ at: string; id: number }>(
      'naming streams',
      `with given as (select name, at from unnest($2::text[]) with ordinality as given(name, at)),
        made as (insert into {schema}.stream (prefix, name) select $1, name from given
          on conflict (prefix, name) do nothing returning id, name)
      select at, id from made join given using (name)
      union all select at, stream.id from given join {schema}.stream using (name)
        where stream.prefix = $1`,
      [this.prefix, names.map(toStored)],
    );
    for (const { at, id } of rows) {
      const name = names[Number(at) - 1]!;
      found.set(name, id);
      this.learn(name, id);
    }
    // One that another process makes at this moment is in neither part of the statement.
    const missing = names.filter((name) => found.get(name) === undefined);
    if (missing.length > 0) await this.make(missing, on, found);
  }

  private learn(name: string, id: number): void {
    this.ids.set(name, id);
    if (this.ids.size <= REMEMBERED) return;
    const [oldest] = this.ids.keys();
    this.ids.delete(oldest!);
  }
}
