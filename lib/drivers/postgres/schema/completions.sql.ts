import { INDEXED } from './settings.js';

/**
 * `completion`: keys that were handled (`owner` is null), and keys that an owner works on. `told` is
 * what the last claim was told. `inbox`: the notes of handlers with an inbox, and the run that wrote
 * each.
 */
const TABLES = [
  `create table {schema}.completion (
    key text collate "C" primary key,
    owner text,
    expires_at timestamptz not null,
    told text not null
  ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000)`,
  'create index completion_expiry on {schema}.completion (expires_at)',
  `create table {schema}.inbox (
    key text collate "C" primary key,
    run uuid not null,
    expires_at timestamptz not null
  ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000)`,
  'create index inbox_expiry on {schema}.inbox (expires_at)',
];

/**
 * Claims keys, each once. A row is written in any case, which locks it: `told` is what became of the
 * claim, and was decided on the row as it is now, not as it was when the statement began. Keys are
 * written in their order, so that no two claims wait for each other.
 * Returns one word for each, in order.
 * @param p_formers for each key the one of version 0.1.0, or null
 * @param p_lease in milliseconds
 */
const CLAIM = `create function {schema}.claim_completions(
    p_keys text[], p_formers text[], p_owners text[], p_lease float8)
  returns table (told text) language plpgsql ${INDEXED} as $$
  #variable_conflict use_column
  begin
    return query with wanted as materialized (
      select * from unnest(p_keys, p_formers, p_owners) with ordinality as w(key, former, owner, at)
    ), hindered as materialized (
      select w.at, case when c.owner is null then 'done' else 'held' end as told
      from wanted w cross join lateral (
        select c.owner, c.expires_at from {schema}.completion c where c.key = w.former offset 0) c
      where c.expires_at > statement_timestamp() and c.owner is distinct from w.owner
    ), claimed as (
      insert into {schema}.completion as c (key, owner, expires_at, told)
      select w.key, w.owner, statement_timestamp() + p_lease * interval '1 ms', 'claimed'
      from wanted w where not exists (select from hindered h where h.at = w.at) order by w.key
      on conflict (key) do update set
        owner = case when c.expires_at <= statement_timestamp() then excluded.owner else c.owner end,
        expires_at = case when c.expires_at <= statement_timestamp() or c.owner = excluded.owner
          then excluded.expires_at else c.expires_at end,
        told = case when c.expires_at <= statement_timestamp() then 'claimed'
          when c.owner is null then 'done' when c.owner = excluded.owner then 'own' else 'held' end
      returning c.key, c.told
    )
    select coalesce(h.told, c.told) from wanted w
    left join hindered h on h.at = w.at left join claimed c on c.key = w.key order by w.at;
  end $$`;

/** The rows of keys, in the order of the keys. */
const ROWS = `(select key, owner from unnest(p_keys, p_owners) as w(key, owner) order by key) w
      cross join lateral (select c.ctid as place, c.owner, c.expires_at
        from {schema}.completion c where c.key = w.key offset 0`;

/** Locks rows first, in the order of their keys: no two calls wait for each other. */
const LOCK_ROWS = `perform from ${ROWS} for update) c;`;

/** The claims that their owners still have. */
const OWN = `array(select c.place from ${ROWS}) c
      where c.owner = w.owner and c.expires_at > statement_timestamp())`;

/** Keeps claims for another lease. Returns key and owner of those that were kept. */
const EXTEND = `create function {schema}.extend_completions(
    p_keys text[], p_owners text[], p_lease float8)
  returns table (key text, owner text) language plpgsql ${INDEXED} as $$
  #variable_conflict use_column
  begin
    ${LOCK_ROWS}
    return query update {schema}.completion c
      set expires_at = statement_timestamp() + p_lease * interval '1 ms'
      where c.ctid = any (${OWN}) returning c.key, c.owner;
  end $$`;

/** Gives claims back. */
const RELEASE = `create function {schema}.release_completions(p_keys text[], p_owners text[])
  returns void language plpgsql ${INDEXED} as $$
  begin
    ${LOCK_ROWS}
    delete from {schema}.completion c where c.ctid = any (${OWN});
  end $$`;

/** What keeps work from being done twice. */
export const COMPLETIONS: readonly string[] = [...TABLES, CLAIM, EXTEND, RELEASE];
