import { chunksOf } from '../../../core/collections/chunks.js';
import { grouped } from '../../../core/collections/grouped.js';
import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import type { Fields } from '../../../core/message.js';
import type { HeldEntries, HeldEntry, HeldFilter, HeldPage } from '../../../ports/held-entries.js';
import { pageOf } from '../dead-letters/page.js';
import type { DeadLetterParts } from '../dead-letters/postgres.dead-letters.js';
import {
  heldIdOf,
  partsOfHeldId,
  refuseHeldIds,
  refusePageStart,
  type HeldId,
} from '../ids/letter-ids.js';
import { toStored } from '../sql/exact-text.js';

/** Most entries of one step. */
const AT_ONCE = 1000;

interface HeldRow {
  readonly message: string;
  readonly redrive: string;
  readonly record: string;
  readonly fields: string | null;
  readonly more: boolean;
}

/** Entries on hold are the rows of deliveries that have a record. */
export class PostgresHeldEntries implements HeldEntries {
  constructor(private readonly parts: DeadLetterParts) {}

  async list(stream: string, group: string, limit: number, after?: string): Promise<HeldPage> {
    refusePageStart(after, (id) => partsOfHeldId(id) !== undefined);
    const of = await this.parts.streams.find(stream);
    if (of === undefined) return { items: [] };
    const { message = '-1', redrive = '-1' } = (after !== undefined && partsOfHeldId(after)) || {};
    const { rows } = await this.parts.database.query<HeldRow>('listing messages on hold', LIST, [
      of,
      toStored(group),
      redrive,
      message,
      limit,
    ]);
    const items = rows.map((row) => entryOf(row, group));
    const next = rows.at(-1)?.more ? items.at(-1)?.heldId : undefined;
    return { items, ...(next !== undefined && { next }) };
  }

  release(stream: string, filter: HeldFilter): Promise<number> {
    return this.end(stream, filter, 'releasing messages on hold', RELEASE, true);
  }

  purge(stream: string, filter: HeldFilter): Promise<number> {
    return this.end(stream, filter, 'purging messages on hold', PURGE, false);
  }

  /** @param moves whether they run again */
  private async end(
    stream: string,
    { ids, group }: HeldFilter,
    action: string,
    text: string,
    moves: boolean,
  ): Promise<number> {
    refuseHeldIds(ids);
    const { database, streams, hints } = this.parts;
    const of = await streams.find(stream);
    if (of === undefined) return 0;
    const endSome = async (name: string, some: readonly Omit<HeldId, 'group'>[]) => {
      const { rows } = await database.query<{ ended: string }>(action, text, [
        of,
        toStored(name),
        some.map(({ message }) => message),
        some.map(({ redrive }) => redrive),
      ]);
      if (moves) hints.tell('messages', String(of));
      return Number(rows[0]!.ended);
    };
    if (!ids) return this.endAll(of, group!, (some) => endSome(group!, some));
    const meant = [...new Set(ids)].map((id) => partsOfHeldId(id)!);
    let ended = 0;
    for (const [name, some] of grouped(meant, (parts) => parts.group)) {
      if (group !== undefined && name !== group) continue;
      for (const part of chunksOf(some, AT_ONCE)) ended += await endSome(name, part);
    }
    return ended;
  }

  /** Ends with the entries that were on hold at the start. */
  private async endAll(
    stream: number,
    group: string,
    endSome: (some: readonly HeldRow[]) => Promise<number>,
  ): Promise<number> {
    const { database } = this.parts;
    const action = 'listing messages on hold';
    const { rows } = await database.query<{ now: string }>(
      action,
      'select clock_timestamp()::text as now',
    );
    let ended = 0;
    const start = { redrive: '-1', message: '-1' };
    for (let after: Omit<HeldId, 'group'> | undefined = start; after;) {
      const { redrive, message }: typeof start = after;
      const values: unknown[] = [stream, toStored(group), rows[0]!.now, redrive, message];
      const page = await database.query<HeldRow>(action, HELD_BEFORE, values);
      if (page.rows.length > 0) ended += await endSome(page.rows);
      after = page.rows.at(-1);
    }
    return ended;
  }
}

const OF_GROUP = `g.stream = $1 and g.name = $2 and not g.deleted`;

const LIST = pageOf(
  `select d.message, d.redrive, d.record, d.fields
  from {schema}.grp g join {schema}.delivery d on d.grp = g.id
  where ${OF_GROUP} and d.record is not null and (d.redrive, d.message) > ($3, $4)
  order by d.redrive, d.message limit $5::bigint + 1`,
  'redrive, message',
  '$5',
);

/** `fresh_at` is when an entry was put on hold. */
const HELD_BEFORE = `select d.message, d.redrive
  from {schema}.grp g join {schema}.delivery d on d.grp = g.id
  where ${OF_GROUP} and d.record is not null and d.fresh_at <= $3::timestamptz
    and (d.redrive, d.message) > ($4, $5)
  order by d.redrive, d.message limit ${AT_ONCE}`;

const RELEASE = 'select {schema}.release_held($1, $2, $3, $4) as ended';

const PURGE = `with purged as (
    delete from {schema}.delivery d
    using {schema}.grp g, unnest($3::bigint[], $4::bigint[]) as e(message, redrive)
    where ${OF_GROUP} and d.grp = g.id and d.message = e.message and d.redrive = e.redrive
      and d.record is not null
    returning d.message
  ) select count(*) as ended from purged`;

function entryOf({ message, redrive, record, fields }: HeldRow, group: string): HeldEntry {
  return {
    ...(JSON.parse(record) as DeadLetterRecord),
    heldId: heldIdOf({ message, redrive, group }),
    fields: fields === null ? [] : (JSON.parse(fields) as Fields),
  };
}
