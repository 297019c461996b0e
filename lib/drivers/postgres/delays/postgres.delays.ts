import {
  delayedId,
  delayedName,
  type DelayedEntry,
  type DelayedPage,
  type DelayStore,
  type Promoted,
} from '../../../ports/delays.js';
import { chunksOf } from '../../../core/collections/chunks.js';
import { ConnectionError } from '../../../core/errors/connection.errors.js';
import type { When } from '../../../core/message.js';
import type { Database } from '../connection/database.js';
import type { Hints } from '../connection/hints.js';
import { problemOf } from '../publishing/entry-problem.js';
import { tellOfMessages } from '../publishing/message-hints.js';
import { withStreams } from '../publishing/with-streams.js';
import type { Streams } from '../streams/streams.js';
import { fieldsOf } from '../sql/stored-fields.js';
import type { DelayWatch } from './delay-watch.js';
import { dueColumns } from './due.js';
import { scheduleStatement } from './schedule-statement.js';

type Result = string | Error;

/** Most entries, and most characters, that one statement stores. */
const SCHEDULE_AT_ONCE = 500;
const MOST_CHARACTERS = 4_000_000;
/** Most streams of one statement that promotes. */
const PROMOTE_AT_ONCE = 200;

export interface PostgresDelaysOptions {
  readonly database: Database;
  readonly hints: Hints;
  readonly streams: Streams;
  readonly watch: DelayWatch;
}

/** Delayed messages in a table, until a function of the server moves them to their streams. */
export class PostgresDelays implements DelayStore {
  constructor(private readonly parts: PostgresDelaysOptions) {}

  async schedule(entries: readonly DelayedEntry[]): Promise<Result[]> {
    const results = entries.map((entry): Result | undefined =>
      problemOf(entry, this.parts.streams),
    );
    const good = entries.flatMap((entry, index) => (results[index] ? [] : [{ entry, index }]));
    const charactersOf = ({ entry }: (typeof good)[number]) => lengthOf(entry);
    for (const chunk of chunksOf(good, SCHEDULE_AT_ONCE, charactersOf, MOST_CHARACTERS)) {
      const stored = await this.store(chunk.map(({ entry }) => entry));
      for (const [place, { index }] of chunk.entries()) results[index] = stored[place]!;
    }
    return results as Result[];
  }

  async promote(streams: readonly string[]): Promise<(Promoted | Error)[]> {
    const results: (Promoted | Error)[] = [];
    for (const some of chunksOf(streams, PROMOTE_AT_ONCE)) {
      results.push(...(await this.promoteSome(some)));
    }
    return results;
  }

  async list(stream: string, limit: number, after?: string): Promise<DelayedPage> {
    const id = await this.parts.streams.find(stream);
    if (id === undefined) return { items: [] };
    const { rows } = await this.parts.database.query<DelayedRow>(
      'listing delayed messages',
      `select id, due_at, fields from {schema}.delayed
      where stream = $1 and (due_at, id) > ($2::bigint, $3::bigint)
      order by due_at, id limit $4`,
      [id, ...placeOf(after), limit + 1],
    );
    const items = rows
      .slice(0, limit)
      .map((row) => ({ id: delayedId(row.id), dueAt: Number(row.due_at), fields: fieldsOf(row) }));
    const last = rows[limit - 1];
    return { items, ...(rows.length > limit && last && { next: `${last.due_at}-${last.id}` }) };
  }

  async count(stream: string): Promise<number> {
    const id = await this.parts.streams.find(stream);
    if (id === undefined) return 0;
    const { rows } = await this.parts.database.query<{ count: string }>(
      'counting delayed messages',
      'select count(*) from {schema}.delayed where stream = $1',
      [id],
    );
    return Number(rows[0]!.count);
  }

  async cancel(stream: string, id: string): Promise<boolean> {
    return this.change(
      'cancelling a delayed message',
      'delete from {schema}.delayed where stream = $1 and id = $2',
      { stream, id, values: [] },
    );
  }

  async reschedule(stream: string, id: string, when: When): Promise<boolean> {
    const { later, at } = dueColumns([{ when }]);
    const changed = await this.change(
      'rescheduling a delayed message',
      `update {schema}.delayed set due_at = coalesce({schema}.now_ms() + $3::bigint, $4::bigint)
      where stream = $1 and id = $2`,
      { stream, id, values: [later[0], at[0]] },
    );
    if (changed) this.parts.watch.tell([{ stream, when }]);
    return changed;
  }

  watch(onScheduled: (stream: string) => void): () => void {
    return this.parts.watch.on(onScheduled);
  }

  private async change(
    action: string,
    text: string,
    { stream, id, values }: { stream: string; id: string; values: readonly unknown[] },
  ): Promise<boolean> {
    const number = numberOf(id);
    const known = number === undefined ? undefined : await this.parts.streams.find(stream);
    if (known === undefined) return false;
    const { rowCount } = await this.parts.database.query(action, text, [known, number, ...values]);
    return rowCount === 1;
  }

  /** Stores entries with one statement. */
  private async store(entries: readonly DelayedEntry[]): Promise<Result[]> {
    const { database, streams, watch } = this.parts;
    try {
      const names = entries.map(({ stream }) => stream);
      const ids = await withStreams(streams, names, async (numbers) => {
        const { text, values } = scheduleStatement(entries, numbers);
        const { rows } = await database.query<{ ids: string[] }>('delaying messages', text, values);
        return rows[0]!.ids;
      });
      watch.tell(entries);
      return ids;
    } catch (error) {
      return entries.map(() => error as Error);
    }
  }

  private async promoteSome(streams: readonly string[]): Promise<(Promoted | Error)[]> {
    try {
      const ids = await Promise.all(streams.map((stream) => this.parts.streams.find(stream)));
      const { rows } = await this.parts.database.query<PromotedRow>(
        'promoting delayed messages',
        'select stream, moved, next_in from {schema}.promote($1::int[])',
        [ids.filter((id) => id !== undefined)],
      );
      const moved = rows.filter((row) => row.moved > 0);
      tellOfMessages(
        this.parts.hints,
        moved.map(({ stream }) => stream),
      );
      const found = new Map(rows.map((row) => [row.stream, promotedOf(row)]));
      return ids.map((id) => found.get(id ?? NaN) ?? NOTHING);
    } catch (error) {
      // What the server refuses for one stream must not hold up the others.
      if (error instanceof ConnectionError || streams.length === 1) {
        return streams.map(() => error as Error);
      }
      const apart = [];
      for (const stream of streams) apart.push(...(await this.promoteSome([stream])));
      return apart;
    }
  }
}

const NOTHING: Promoted = Object.freeze({ moved: 0, lost: 0, nextIn: undefined });

interface DelayedRow {
  readonly id: string;
  readonly due_at: string;
  readonly fields: string;
}

interface PromotedRow {
  readonly stream: number;
  readonly moved: number;
  readonly next_in: string | null;
}

const promotedOf = ({ moved, next_in }: PromotedRow): Promoted => ({
  moved,
  lost: 0,
  nextIn: next_in === null ? undefined : Number(next_in),
});

/** The number in the id of a delayed message. Undefined for any other text. */
const numberOf = (id: string): string | undefined =>
  /^[1-9]\d{0,17}$/.exec(delayedName(id) ?? '')?.[0];

/** Due time and number of the last message of a page, as `next` gives them. */
function placeOf(after: string | undefined): [dueAt: string, number: string] {
  const [, due, number] = /^(-?\d{1,16})-(\d{1,18})$/.exec(after ?? '') ?? [];
  return [due ?? FIRST, number ?? '0'];
}
/** Before all due times. */
const FIRST = String(Number.MIN_SAFE_INTEGER);

const lengthOf = ({ fields }: DelayedEntry): number =>
  fields.reduce((sum, { length }) => sum + length, 0);
