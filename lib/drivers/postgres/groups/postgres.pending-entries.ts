import { HELD_CONSUMER } from '../../../ports/held-entries.js';
import type { PendingEntries, PendingEntry, PendingQuery } from '../../../ports/group-admin.js';
import { MESSAGE_IDS } from '../ids/message-ids.js';
import { tellOfMessages } from '../publishing/message-hints.js';
import { fromStored, toStored } from '../sql/exact-text.js';
import { findGroup, findGroups } from './find-groups.js';
import type { GroupAdminParts } from './postgres.group-admin.js';

/** Idle time of an entry that was given back, in milliseconds. */
const ONE_DAY = 86_400_000;

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
      `select id, name, idle, attempt as delivered from (
        select d.message as id, d.attempt,
          case when d.record is not null then $6 else coalesce(d.consumer, '') end as name,
          case when d.free then ${ONE_DAY} else {schema}.ms_since(d.fresh_at) end as idle
        from {schema}.delivery d
        where d.grp = $1 and d.redrive = 0 and d.message >= $2::bigint
          and (not d.free or d.delivered or d.consumer is not null)
      ) pending
      where ($3::text is null or name = $3) and idle >= $4
      order by id limit $5`,
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
