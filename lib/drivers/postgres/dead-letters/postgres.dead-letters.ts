import { chunksOf } from '../../../core/collections/chunks.js';
import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import type { Fields } from '../../../core/message.js';
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterQueue,
} from '../../../ports/dead-letters.js';
import type { Database } from '../connection/database.js';
import type { Hints } from '../connection/hints.js';
import { isLetterId, refuseLetterIds, refusePageStart } from '../ids/letter-ids.js';
import { toStored } from '../sql/exact-text.js';
import { refuseLongNames } from '../sql/name-limit.js';
import type { Streams } from '../streams/streams.js';
import { pageOf } from './page.js';

/** Most letters of one step. */
const AT_ONCE = 1000;

export interface DeadLetterParts {
  readonly database: Database;
  readonly streams: Streams;
  readonly hints: Hints;
}

interface LetterRow {
  readonly id: string;
  readonly record: string;
  readonly fields: string;
  readonly more?: boolean;
}

/** Carries out one step with letters that are named by their ids. Returns how many there were. */
type Step = (letters: readonly string[], group: string | null) => Promise<number>;

/** Keeps dead letters in one row each. */
export class PostgresDeadLetters implements DeadLetterQueue {
  constructor(private readonly parts: DeadLetterParts) {}

  async put(record: DeadLetterRecord, fields: Fields): Promise<string> {
    const { database, streams } = this.parts;
    refuseLongNames({ group: record.group });
    const { rows } = await database.query<{ id: string }>(
      'storing a dead letter',
      `insert into {schema}.dead_letter (stream, grp, origin, published_at, record, fields)
      values ($1, $2, $3, $4, $5, $6) returning id`,
      [
        await streams.idOf(record.stream),
        toStored(record.group),
        toStored(record.id),
        Date.parse(record.publishedAt) || 0,
        JSON.stringify(record),
        JSON.stringify(fields),
      ],
    );
    return rows[0]!.id;
  }

  async list(stream: string, limit: number, after?: string): Promise<DeadLetterPage> {
    refusePageStart(after);
    const { database, streams } = this.parts;
    const of = await streams.find(stream);
    if (of === undefined) return { items: [] };
    const { rows } = await database.query<LetterRow>('listing dead letters', LIST, [
      of,
      after ?? '-1',
      limit,
    ]);
    const last = rows.at(-1);
    return { items: rows.map(letterOf), ...(last?.more && { next: last.id }) };
  }

  async count(stream: string): Promise<number> {
    const { database, streams } = this.parts;
    const of = await streams.find(stream);
    if (of === undefined) return 0;
    const { rows } = await database.query<{ count: string }>(
      'counting dead letters',
      'select count(*) from {schema}.dead_letter where stream = $1 and not redriven',
      [of],
    );
    return Number(rows[0]!.count);
  }

  async get(stream: string, deadLetterId: string): Promise<DeadLetter | undefined> {
    const { database, streams } = this.parts;
    const of = await streams.find(stream);
    if (of === undefined || !isLetterId(deadLetterId)) return undefined;
    const { rows } = await database.query<LetterRow>(
      'reading a dead letter',
      `select id, record, fields from {schema}.dead_letter
      where id = $1 and stream = $2 and not redriven`,
      [deadLetterId, of],
    );
    return rows[0] && letterOf(rows[0]);
  }

  redrive(stream: string, filter: DeadLetterFilter): Promise<number> {
    return this.each(stream, filter, (of) => async (letters, group) => {
      const { database, hints } = this.parts;
      const { rows } = await database.query<{ moved: string }>(
        'redriving dead letters',
        'select {schema}.redrive($1, $2, $3) as moved',
        [of, letters, group],
      );
      hints.tell('messages', String(of));
      return Number(rows[0]!.moved);
    });
  }

  purge(stream: string, filter: DeadLetterFilter): Promise<number> {
    return this.each(stream, filter, (of) => async (letters, group) => {
      const { rowCount } = await this.parts.database.query(
        'purging dead letters',
        `delete from {schema}.dead_letter where id = any ($2) and stream = $1 and not redriven
        and ($3::text is null or grp = $3)`,
        [of, letters, group],
      );
      return rowCount ?? 0;
    });
  }

  /** Carries out the step with all letters that the filter selects. Returns how many there were. */
  private async each(
    stream: string,
    { ids, group }: DeadLetterFilter,
    stepOf: (stream: number) => Step,
  ): Promise<number> {
    refuseLetterIds(ids);
    const of = await this.parts.streams.find(stream);
    if (of === undefined) return 0;
    const name = group === undefined ? null : toStored(group);
    const step = stepOf(of);
    if (!ids) return this.eachOfAll(of, name, step);
    let count = 0;
    for (const some of chunksOf([...new Set(ids)], AT_ONCE)) count += await step(some, name);
    return count;
  }

  /** Ends with the letters that existed at the start. */
  private async eachOfAll(stream: number, group: string | null, step: Step): Promise<number> {
    const [page, newest] = group === null ? [PAGE, NEWEST] : [PAGE_OF_GROUP, NEWEST_OF_GROUP];
    const of = group === null ? [stream] : [stream, group];
    const action = 'listing dead letters';
    const { rows } = await this.parts.database.query<{ id: string }>(action, newest, of);
    const last = rows[0]?.id;
    let count = 0;
    for (let after: string | undefined = '-1'; last !== undefined && after !== undefined;) {
      const values: unknown[] = [...of, last, after];
      const found = await this.parts.database.query<{ id: string }>(action, page, values);
      const letters: string[] = found.rows.map(({ id }) => id);
      after = letters.at(-1);
      if (after !== undefined) count += await step(letters, group);
    }
    return count;
  }
}

// Comparisons of rows leave the planner no index but that of the page, also where it has no
// statistics of a queue that has grown fast.
const LIST = pageOf(
  `select id, record, fields from {schema}.dead_letter
  where (stream, id) > ($1, $2) and stream <= $1 and not redriven
  order by stream, id limit $3::bigint + 1`,
  'id',
  '$3',
);

const NEWEST = `select id from {schema}.dead_letter
  where (stream, id) > ($1, -1) and stream <= $1 and not redriven
  order by stream desc, id desc limit 1`;
const NEWEST_OF_GROUP = `select id from {schema}.dead_letter
  where stream = $1 and (grp, id) > ($2, -1) and grp <= $2 and not redriven
  order by grp desc, id desc limit 1`;

const PAGE = `select id from {schema}.dead_letter
  where (stream, id) > ($1, $3) and (stream, id) <= ($1, $2) and not redriven
  order by stream, id limit ${AT_ONCE}`;
const PAGE_OF_GROUP = `select id from {schema}.dead_letter
  where stream = $1 and (grp, id) > ($2, $4) and (grp, id) <= ($2, $3) and not redriven
  order by grp, id limit ${AT_ONCE}`;

function letterOf({ id, record, fields }: LetterRow): DeadLetter {
  const known = JSON.parse(record) as DeadLetterRecord;
  return { ...known, deadLetterId: id, fields: JSON.parse(fields) as Fields };
}
