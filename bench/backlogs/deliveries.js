// @ts-check
/** What waits in the tables of our PostgreSQL driver. */
import { EVENT, payloadJson } from '../payload.js';

/** Handling leaves the messages where they are. */
export const stays = true;

const STREAM = `insert into streams.stream (prefix, name) values ('', $1)
  on conflict (prefix, name) do update set name = excluded.name returning id`;
/** Entries as the library writes them. */
const FILL = `select streams.publish(array_agg($1::int order by n),
    array_agg(json_build_array('event_type', $2::text, 'payload', $3 || n || $4)::text order by n))
  from generate_series($5::int, $6::int - 1, $7::int) n`;
const AT_ONCE = 10_000;

/** @typedef {import('pg').Pool} Pool */

/** @param {Pool} pool @param {{ streams: readonly string[], total: number, size: number }} wanted */
export async function fill(pool, { streams, total, size }) {
  const { before, after } = payloadJson(size);
  const step = streams.length;
  await prepare(pool);
  for (const [first, stream] of streams.entries()) {
    const { rows } = await pool.query(STREAM, [stream]);
    for (let from = first; from < total; from += step * AT_ONCE) {
      const below = Math.min(total, from + step * AT_ONCE);
      await pool.query(FILL, [rows[0].id, EVENT, before, after, from, below, step]);
    }
  }
}

/** Loaded late: the library may be built when the bench begins. @param {Pool} pool */
async function prepare(pool) {
  const { migrate } = await import('nestjs-redis-streams/postgres');
  await migrate({ pool });
}

/** Creates a group, so that messages have a reader to be stored for. @param {Pool} pool @param {string} stream */
export async function createGroup(pool, stream) {
  await prepare(pool);
  const { rows } = await pool.query(STREAM, [stream]);
  await pool.query(`select streams.create_group($1, 'bench', '0', false)`, [rows[0].id]);
}

/** @param {Pool} pool @param {{ streams: readonly string[], groups: readonly string[] }} where */
export async function unsettled(pool, { streams, groups }) {
  const { rows } = await pool.query(
    `select count(*)::int as found from streams.delivery d join streams.grp g on g.id = d.grp
      join streams.stream s on s.id = g.stream where s.name = any ($1) and g.name = any ($2)`,
    [streams, groups],
  );
  return rows[0].found;
}

/** @param {Pool} pool @param {{ streams: readonly string[], groups: readonly string[] }} where */
export async function forgetGroups(pool, { streams, groups }) {
  await pool.query(
    `delete from streams.grp g using streams.stream s
      where s.id = g.stream and s.name = any ($1) and g.name = any ($2)`,
    [streams, groups],
  );
}

/** @param {Pool} pool @param {{ stream: string }} where */
export async function published(pool, { stream }) {
  const { rows } = await pool.query(
    `select count(distinct (m.fields::json ->> 3)::json ->> 'n')::int as found
      from streams.message m join streams.stream s on s.id = m.stream where s.name = $1`,
    [stream],
  );
  return rows[0].found;
}
