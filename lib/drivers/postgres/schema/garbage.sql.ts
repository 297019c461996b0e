import { EXPIRING_TABLES, type ExpiringTable } from '../garbage/expiring-tables.js';

/**
 * Deletes rows that have expired, some of each table, and returns whether there may be more. Rows that
 * another process is working on are left for the next time, so collectors never wait for each other.
 */
export const GARBAGE: readonly string[] = [
  `create function {schema}.collect_garbage() returns boolean language plpgsql
  set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
  declare
    deleted int;
    more boolean := false;
  begin
    ${EXPIRING_TABLES.map(deleting).join('\n')}
    return more;
  end $$`,
];

function deleting({ table, column, after, atOnce = 1000 }: ExpiringTable): string {
  const limit = `statement_timestamp()${after === undefined ? '' : ` - interval '${after}'`}`;
  return `
    delete from {schema}.${table} where ctid = any (array(
      select ctid from {schema}.${table} where ${column} <= ${limit}
      order by ${column} limit ${atOnce} for update skip locked));
    get diagnostics deleted = row_count;
    more := more or deleted = ${atOnce};`;
}
