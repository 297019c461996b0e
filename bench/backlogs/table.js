// @ts-check
/** What waits in the table of the loop that is written by hand. */
import { createTable, tableOf } from '../systems/pg-loop.js';
import { payloadJson } from '../payload.js';

export const stays = false;

/** @typedef {import('pg').Pool} Pool */

/** @param {Pool} pool @param {{ streams: readonly string[], total: number, size: number }} wanted */
export async function fill(pool, { streams: [stream = ''], total, size }) {
  const { before, after } = payloadJson(size);
  await pool.query(createTable(stream));
  await pool.query(
    `insert into ${tableOf(stream)} (payload) select $1 || n || $2
      from generate_series(0, $3::int - 1) n`,
    [before, after, total],
  );
}

/** @param {Pool} pool @param {{ streams: readonly string[] }} where */
export async function unsettled(pool, { streams: [stream = ''] }) {
  const { rows } = await pool.query(`select count(*)::int as found from ${tableOf(stream)}`);
  return rows[0].found;
}

/** Drops the table, so that the next run has a new one. @param {Pool} pool @param {{ streams: readonly string[] }} where */
export async function forgetGroups(pool, { streams: [stream = ''] }) {
  await pool.query(`drop table ${tableOf(stream)}`);
}

/** @param {Pool} pool @param {{ stream: string }} where */
export async function published(pool, { stream }) {
  const { rows } = await pool.query(
    `select count(distinct payload::json ->> 'n')::int as found from ${tableOf(stream)}`,
  );
  return rows[0].found;
}
