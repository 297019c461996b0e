// @ts-check
/**
 * The loop that one writes by hand with `pg`: a table, rows claimed by FOR UPDATE SKIP LOCKED, the
 * handled ones deleted by one statement. One group, no retries, no recovery of what a dead process has
 * claimed, no attempts, no dead letters.
 */
import { Client, Pool } from 'pg';

const AT_ONCE = 100;
/** Wait where there was nothing, ms. */
const PAUSE = 20;

/** The table of a stream. @param {string} stream */
export const tableOf = (stream) => `"queue-${stream}"`;

/** @param {string} stream */
export const createTable = (stream) => `create table if not exists ${tableOf(stream)} (
  id bigint generated always as identity primary key, taken_at timestamptz, payload text not null);
  create index if not exists "free-${stream}" on ${tableOf(stream)} (id) where taken_at is null`;

/** @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume({ url, streams }, handle) {
  const client = new Client({ connectionString: url });
  await client.connect();
  const table = tableOf(streams[0] ?? '');
  const claim = `with free as (select id from ${table} where taken_at is null
      order by id limit ${AT_ONCE} for update skip locked)
    update ${table} t set taken_at = now() from free where t.id = free.id
    returning t.id, t.payload`;
  const acknowledge = `delete from ${table} where id = any ($1::bigint[])`;
  let stopped = false;

  async function loop() {
    while (!stopped) {
      const { rows } = await client.query(claim);
      await Promise.all(rows.map(async ({ payload }) => handle(JSON.parse(payload), 0)));
      if (rows.length > 0) await client.query(acknowledge, [rows.map(({ id }) => id)]);
      else await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  const looping = loop();
  return async () => {
    stopped = true;
    await looping;
    await client.end();
  };
}

/** @type {NonNullable<import('../types.js').System['publisher']>} */
export async function publisher({ url, stream }) {
  const pool = new Pool({ connectionString: url, max: 5 });
  await pool.query(createTable(stream));
  const table = tableOf(stream);
  const one = `insert into ${table} (payload) values ($1)`;
  const many = `insert into ${table} (payload) select * from unnest($1::text[])`;
  return {
    publish: (payload) => pool.query(one, [JSON.stringify(payload)]),
    publishBatch: (payloads) => pool.query(many, [payloads.map((one) => JSON.stringify(one))]),
    close: () => pool.end(),
  };
}
