// @ts-check
/** What waits in a queue of pg-boss. */
import { payloadMaker } from '../payload.js';
import { started } from '../systems/pg-boss.js';

export const stays = false;

const AT_ONCE = 1000;

/** @typedef {import('pg').Pool} Pool */

/** @param {Pool} pool @param {{ streams: readonly string[], total: number, size: number }} wanted */
export async function fill(pool, { streams: [stream = ''], total, size }) {
  const make = payloadMaker(size);
  const boss = await started(pool.options.connectionString ?? '', stream);
  try {
    for (let from = 0; from < total; from += AT_ONCE) {
      const length = Math.min(AT_ONCE, total - from);
      await boss.insert(Array.from({ length }, (_, n) => ({ name: stream, data: make(from + n) })));
    }
  } finally {
    await boss.stop({ graceful: true, wait: true });
  }
}

/** @param {Pool} pool @param {{ streams: readonly string[] }} where */
export async function unsettled(pool, { streams: [stream = ''] }) {
  const { rows } = await pool.query(
    `select count(*)::int as found from pgboss.job where name = $1 and state <> 'completed'`,
    [stream],
  );
  return rows[0].found;
}

/** The jobs of the next run are new ones. @param {Pool} pool @param {{ streams: readonly string[] }} where */
export async function forgetGroups(pool, { streams: [stream = ''] }) {
  await pool.query('delete from pgboss.job where name = $1', [stream]);
  await pool.query('select pgboss.delete_queue($1)', [stream]);
}

/** @param {Pool} pool @param {{ stream: string }} where */
export async function published(pool, { stream }) {
  const { rows } = await pool.query(
    `select count(distinct data ->> 'n')::int as found from pgboss.job where name = $1`,
    [stream],
  );
  return rows[0].found;
}
