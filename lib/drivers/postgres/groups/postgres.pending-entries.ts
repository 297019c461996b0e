import { HELD_CONSUMER } from '../../../ports/held-entries.js';
import type { PendingEntries, PendingEntry, PendingQuery } from '../../../ports/group-admin.js';
import { MESSAGE_IDS } from '../ids/message-ids.js';
import { tellOfMessages } from '../publishing/message-hints.js';
import { fromStored, toStored } from '../sql/exact-text.js';
import { refuseLongNames } from '../sql/name-limit.js';
import { findGroup, findGroups } from './find-groups.js';
import type { GroupAdminParts } from './postgres.group-admin.js';

/** Idle time of an entry that was given back, in milliseconds. */
const ONE_DAY = 86_400_000;

/** Entries of a group of these consumers, which were not kept fresh for so long: the first of them. */
const part = (rows: string, name: string, isIdle: string): string => `
  (select d.message, d.attempt, d.free, d.fresh_at, ${name} as name from {schema}.delivery d
  where d.grp = $1 and d.redrive = 0 and d.message >= $2::bigint and ${rows}
    and ($3::text is null or $3 = ${name}) and ${isIdle}
  order by d.message limit $5)`;
const IDLE = `($4::bigint = 0 or d.fresh_at <= clock_timestamp() - $4 * interval '1 ms')`;

/** One part for each index, so that no more rows are read than are listed. */
const PENDING = [
  part('not d.free and d.record is null', 'd.consumer', IDLE),
  part('d.record is not null', '$6::text', IDLE),
  part(
    'd.free and (d.delivered or d.consumer is not null)',
    `coalesce(d.consumer, '')`,
    `$4 <= ${ONE_DAY}`,
  ),
].join(' union all ');

/** Entries of a group that were handed out and are not settled. Redriven ones are not among them. */
export class PostgresPendingEntries implements PendingEntries {
  constructor(private readonly parts: GroupAdminParts) {}

  async list(stream: string, group: string, query: PendingQuery): Promise<PendingEntry[]> {
    const grp = await findGroup(this.parts, stream, group);
    const { consumer, minIdleMs = 0, start = '-', count } = query;
    const { rows } = await this.parts.database.query<{
      readonly id: string;
      readonly name: string;
      readonly idle: string;
      readonly delivered: number;
    }>(
      'listing pending entries',
      `select message as id, name, attempt as delivered,
        case when free then ${ONE_DAY} else {schema}.ms_since(fresh_at) end as idle
      from (${PENDING}) pending order by message limit $5`,
      [
        grp,
        firstId(start),
        consumer === undefined ? null : toStored(consumer),
        Math.ceil(minIdleMs),
        count,
        HELD_CONSUMER,
      ],
    );
    return rows.map(({ id, name, idle, delivered }) => ({
      id,
      consumer: fromStored(name),
      idleMs: Number(idle),
      delivered,
    }));
  }

  async claim(
    stream: string,
    group: string,
    to: { readonly consumer: string; readonly minIdleMs: number; readonly ids: readonly string[] },
  ): Promise<string[]> {
    refuseLongNames(to);
    const grp = await findGroup(this.parts, stream, group);
    const { database, hints, streams } = this.parts;
    const { rows } = await database.query<{ id: string }>(
      'handing entries to a consumer',
      'select {schema}.claim_for($1, $2, $3, $4) as id',
      [
        grp,
        toStored(to.consumer),
        Math.ceil(to.minIdleMs),
        to.ids.filter((id) => MESSAGE_IDS.accepts(id)),
      ],
    );
    tellOfMessages(hints, [await streams.idOf(stream)]);
    return rows.map(({ id }) => id);
  }

  async acknowledge(stream: string, group: string, ids: readonly string[]): Promise<number> {
    const { database, streams } = this.parts;
    const [found] = await findGroups(database, streams.prefix, [stream], group);
    if (found!.grp === null) return 0;
    const { rowCount } = await database.query(
      'acknowledging entries',
      `delete from {schema}.delivery d
      where d.grp = $1 and d.redrive = 0 and d.message = any ($2::bigint[])
        and (not d.free or d.delivered or d.consumer is not null)`,
      [found!.grp, ids.filter((id) => MESSAGE_IDS.accepts(id))],
    );
    return rowCount ?? 0;
  }
}

/** The first id of a list that begins at `-`, at an id, or with `(` behind an id. */
function firstId(start: string): string {
  if (start === '-') return '0';
  return start.startsWith('(') ? String(BigInt(start.slice(1)) + 1n) : start;
}
