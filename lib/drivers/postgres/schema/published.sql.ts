import { FAST } from './settings.js';

/** Statements that make the tables, indexes and functions. `{schema}` is the name of the schema. */
export const PUBLISHED: readonly string[] = [
  /** The idempotency keys that are remembered, until `expires_at`. */
  `create table {schema}.published (
    stream int not null,
    key text collate "C" not null,
    id text not null,
    expires_at timestamptz not null,
    primary key (stream, key)
  ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000)`,
  `create index published_expires on {schema}.published (expires_at)`,
  /**
   * Takes idempotency keys for entries that are about to be written. All arguments have one element
   * for each entry: its stream, its key or null, its id, and until when the key is remembered, in
   * milliseconds since the epoch.
   *
   * Returns one element for each entry: null where it is to be written, else the id that the key
   * stands for. Waits for other transactions that have taken the same key and not ended. Where this
   * transaction does not commit, the keys are free again.
   */
  `create function {schema}.claim_keys(
    p_streams int[], p_keys text[], p_ids text[], p_until bigint[]
  ) returns text[] language plpgsql
  ${FAST} as $$
  begin
    -- The order of the keys is the same in every transaction, so that two do not wait for each other.
    insert into {schema}.published as known (stream, key, id, expires_at)
    select distinct on (stream, key collate "C") stream, key, id, to_timestamp(until / 1000.0)
    from unnest(p_streams, p_keys, p_ids, p_until) with ordinality as e(stream, key, id, until, at)
    where key is not null
    order by stream, key collate "C", at
    on conflict (stream, key) do update
      set id = excluded.id, expires_at = excluded.expires_at
      where known.expires_at <= clock_timestamp();
    -- A row that was not updated above is locked all the same, so it is still there.
    return array(
      select case when known.id <> e.id then known.id end
      from unnest(p_streams, p_keys, p_ids) with ordinality as e(stream, key, id, at)
      left join lateral (
        select p.id from {schema}.published p
        where p.stream = e.stream and p.key = e.key collate "C" offset 0) known on true
      order by e.at
    );
  end $$`,
];
