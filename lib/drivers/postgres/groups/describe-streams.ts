import type { FurthestBehind, GroupReport, StreamReport } from '../../../ports/group-admin.js';
import type { Statements } from '../connection/statements.js';
import { fromStored, toStored } from '../sql/exact-text.js';

interface Described {
  readonly name: string;
  readonly length: string;
  readonly added: string;
  readonly last_id: string;
  readonly first_id: string | null;
  readonly grp: string | null;
  readonly consumers: string;
  readonly pending: string;
  readonly lag: string;
  readonly oldest: string | null;
  readonly oldest_held: boolean | null;
  readonly oldest_age: string;
  readonly undelivered: string | null;
  readonly undelivered_age: string;
  readonly delivered_up_to: string | null;
}

/**
 * One row for each stream and group, and one for a stream without groups. Entries that are not
 * delivered are free, and so are released ones. Redriven entries do not count.
 */
const DESCRIBE = `
  select s.name, coalesce(t.messages, 0) + m.length as added, m.*, g.name as grp, r.*
  from unnest($2::text[]) with ordinality as n(name, at)
  join {schema}.stream s on s.prefix = $1 and s.name = n.name
  left join {schema}.trimmed t on t.stream = s.id
  cross join lateral (
    select count(*) as length, min(id) as first_id, greatest(max(id), coalesce(t.upto, 0)) as last_id
    from {schema}.message where stream = s.id) m
  left join {schema}.grp g on g.stream = s.id and not g.deleted
  cross join lateral (
    select f.lag, f.undelivered, p.pending + f.released + h.held as pending,
      least(p.oldest, f.oldest, h.oldest) as oldest,
      (select count(*) from {schema}.member b where b.grp = g.id) as consumers
    from (
      select count(*) filter (where not d.delivered) as lag,
        min(d.message) filter (where not d.delivered) as undelivered,
        count(*) filter (where d.delivered or d.consumer is not null) as released,
        min(d.message) filter (where d.delivered or d.consumer is not null) as oldest
      from {schema}.delivery d where d.grp = g.id and d.free and d.redrive = 0) f,
    (select count(*) as pending, min(d.message) as oldest
      from {schema}.delivery d
      where d.grp = g.id and not d.free and d.redrive = 0 and d.record is null) p,
    (select count(*) as held, min(d.message) as oldest
      from {schema}.delivery d where d.grp = g.id and d.redrive = 0 and d.record is not null) h
  ) c
  cross join lateral (
    select c.*,
      (select d.record is not null from {schema}.delivery d
        where d.message = c.oldest and d.grp = g.id and d.redrive = 0) as oldest_held,
      {schema}.age_of(s.id, c.oldest) as oldest_age,
      {schema}.age_of(s.id, c.undelivered) as undelivered_age,
      case when c.undelivered is null then m.last_id else (
        select max(id) from {schema}.message where stream = s.id and id < c.undelivered) end
        as delivered_up_to
  ) r
  order by n.at, g.id`;

/**
 * Reads the state of streams and their groups, in one step. Streams that do not exist are left out.
 */
export async function describeStreams(
  statements: Statements,
  prefix: string,
  streams: readonly string[],
): Promise<Map<string, StreamReport>> {
  const { rows } = await statements.query<Described>('describing groups', DESCRIBE, [
    prefix,
    [...new Set(streams)].map(toStored),
  ]);
  const reports = new Map<string, StreamReport & { groups: GroupReport[] }>();
  for (const row of rows) {
    const stream = fromStored(row.name);
    const report = reports.get(stream) ?? { ...streamReportOf(stream, row), groups: [] };
    reports.set(stream, report);
    if (row.grp !== null) report.groups.push(groupReportOf(row));
  }
  for (const [stream, report] of reports) {
    reports.set(stream, { ...report, furthestBehind: furthestBehind(report.groups) });
  }
  return reports;
}

const streamReportOf = (stream: string, row: Described): Omit<StreamReport, 'groups'> => ({
  stream,
  length: Number(row.length),
  entriesAdded: Number(row.added),
  lastId: row.last_id,
  firstId: row.first_id ?? undefined,
  furthestBehind: undefined,
});

const groupReportOf = (row: Described): GroupReport => ({
  name: fromStored(row.grp!),
  consumers: Number(row.consumers),
  pending: Number(row.pending),
  lastDeliveredId: row.delivered_up_to ?? '0',
  entriesRead: Number(row.added) - Number(row.lag),
  lag: Number(row.lag),
  oldestPendingId: row.oldest ?? undefined,
  ...(row.oldest_held && { oldestIsHeld: true }),
  oldestPendingAge: Number(row.oldest_age),
  oldestUndeliveredId: row.undelivered ?? undefined,
  oldestUndeliveredAge: Number(row.undelivered_age),
});

/** Of the groups of a stream, the one that needs the oldest entry. */
function furthestBehind(groups: readonly GroupReport[]): FurthestBehind | undefined {
  let least: FurthestBehind | undefined;
  for (const group of groups) {
    const one = needsOf(group);
    if (!least || BigInt(one.needs) < BigInt(least.needs)) least = one;
  }
  return least;
}

function needsOf(group: GroupReport): FurthestBehind {
  const { name, oldestPendingId: pending, oldestIsHeld, lastDeliveredId } = group;
  const unread = String(BigInt(lastDeliveredId) + 1n);
  if (pending !== undefined && BigInt(pending) < BigInt(unread)) {
    return { name, by: oldestIsHeld ? 'held' : 'pending', needs: pending };
  }
  return { name, by: 'undelivered', needs: unread };
}
