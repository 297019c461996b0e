import type { Pool } from 'pg';

/**
 * How many rows a server has read so far in the schema `streams`: entries of indexes, those of dead
 * rows included, and rows of tables that were read from their beginning. It says how much work
 * statements are, on any machine.
 * @param pool of one connection, which the driver uses too: a server counts what a connection reads
 * only once that one tells it
 */
export async function rowsRead(pool: Pool): Promise<number> {
  await pool.query('select pg_stat_force_next_flush()');
  const { rows } = await pool.query<{ read: string }>(
    `select (select sum(seq_tup_read) from pg_stat_user_tables where schemaname = 'streams')
      + (select sum(idx_tup_read) from pg_stat_user_indexes where schemaname = 'streams') as read`,
  );
  return Number(rows[0]!.read);
}
