import { FAST } from './settings.js';

/** Most entries that one call of `promote` moves, and most bytes of them, shared by its streams. */
const MOST_ENTRIES = 1000;
const MOST_BYTES = 1_000_000;
/** Class of the advisory locks of streams whose entries are being promoted. */
const PROMOTING = 1_886_547_821;
/** Milliseconds after which to ask again about a stream that another process is promoting. */
const ASK_AGAIN = 20;

/** Statements that make the tables, indexes and functions. `{schema}` is the name of the schema. */
export const DELAYS: readonly string[] = [
  /** Entries that are published later. `due_at` in milliseconds since the epoch. */
  'create sequence {schema}.delayed_id',
  `create table {schema}.delayed (
    id bigint primary key,
    stream int not null,
    due_at bigint not null,
    fields text not null
  ) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000)`,
  `create index delayed_due on {schema}.delayed (stream, due_at, id)`,
  /**
   * Stores entries until they are due. The arguments have one element for each entry: its stream, its
   * fields; milliseconds from now, or else milliseconds since the epoch; its idempotency key or null;
   * and for how long the key is remembered after the due time, in milliseconds.
   *
   * Returns for each entry its id, or the id that its key stands for.
   */
  `create function {schema}.schedule(
    p_streams int[], p_fields text[], p_in bigint[], p_at bigint[],
    p_keys text[] default null, p_windows bigint[] default null
  ) returns text[] language plpgsql ${FAST} as $$
  declare
    v_now bigint := {schema}.now_ms();
    v_due bigint[];
    v_numbers bigint[];
    v_ids text[];
    v_known text[];
  begin
    if exists (select from unnest(p_streams) given(id)
      where not exists (select from {schema}.stream where stream.id = given.id)) then
      raise exception 'there is no such stream' using errcode = 'RSU01';
    end if;
    select array_agg(coalesce(v_now + e.later, e.due) order by e.at),
      array_agg(nextval('{schema}.delayed_id') order by e.at)
    into v_due, v_numbers
    from (select * from unnest(p_in, p_at) with ordinality as e(later, due, at) order by at) e;
    select array_agg('delayed-' || n order by at) into v_ids
    from unnest(v_numbers) with ordinality as e(n, at);
    if array_length(array_remove(p_keys, null), 1) > 0 then
      v_known := {schema}.claim_keys(p_streams, p_keys, v_ids, array(
        select greatest(due, v_now) + coalesce(forget, 0)
        from unnest(v_due, p_windows) with ordinality as e(due, forget, at) order by at));
    end if;
    insert into {schema}.delayed (id, stream, due_at, fields)
    select e.id, e.stream, e.due, e.fields
    from unnest(v_numbers, p_streams, v_due, p_fields, v_known) as e(id, stream, due, fields, known)
    where e.known is null;
    return array(
      select coalesce(e.known, e.id) from unnest(v_ids, v_known) with ordinality as e(id, known, at)
      order by at);
  end $$`,
  /** The streams that have an entry which is due within so many milliseconds. */
  `create function {schema}.due_streams(p_within bigint) returns table (stream int) language sql
  ${FAST} as $$
    with recursive waiting as (
      (select d.stream, d.due_at from {schema}.delayed d order by d.stream, d.due_at limit 1)
      union all
      select next.stream, next.due_at from waiting, lateral (
        select d.stream, d.due_at from {schema}.delayed d where d.stream > waiting.stream
        order by d.stream, d.due_at limit 1) next
    )
    select stream from waiting where due_at <= {schema}.now_ms() + p_within
  $$`,
  /**
   * Moves due entries to the end of their streams, those that are due first at their head. One
   * process at a time does so for a stream, so that the order holds; others are told to ask again.
   *
   * Returns a row for each stream: how many were moved, and milliseconds until the next entry is due,
   * null where no entry waits.
   */
  `create function {schema}.promote(p_streams int[])
  returns table (stream int, moved int, next_in bigint) language plpgsql
  ${FAST} as $$
  #variable_conflict use_column
  declare
    v_now bigint := {schema}.now_ms();
    v_stream int;
    v_due int[] := '{}';
  begin
    -- Always in the same order, so that two processes do not wait for each other's locks.
    for v_stream in select distinct given from unnest(p_streams) given order by given loop
      stream := v_stream;
      moved := 0;
      next_in := (select min(d.due_at) - v_now from {schema}.delayed d where d.stream = v_stream);
      if next_in <= 0 then v_due := v_due || v_stream; else return next; end if;
    end loop;
    foreach v_stream in array v_due loop
      stream := v_stream;
      moved := 0;
      next_in := ${ASK_AGAIN};
      if pg_try_advisory_xact_lock(${PROMOTING}, v_stream) then
        moved := {schema}.publish_due(v_stream, v_now, cardinality(v_due));
        next_in := (select greatest(d.due_at - v_now, 0) from {schema}.delayed d
          where d.stream = v_stream order by d.due_at limit 1);
      end if;
      return next;
    end loop;
  end $$`,
  /** Moves one portion of one stream's due entries, where so many streams share. Returns how many. */
  `create function {schema}.publish_due(p_stream int, p_now bigint, p_sharing int)
  returns int language plpgsql as $$
  declare
    v_fields text[];
  begin
    with due as (
      select d.ctid as place, d.id, d.due_at, octet_length(d.fields) as size from {schema}.delayed d
      where d.stream = p_stream and d.due_at <= p_now
      order by d.due_at, d.id limit ceil(${MOST_ENTRIES}.0 / p_sharing)
    ), portion as (
      select place from (
        select place, sum(size) over (order by due_at, id) - size as before from due) sized
      where before < ${MOST_BYTES} / p_sharing
    ), taken as (
      -- An entry that was given another time meanwhile stays. Its new place alone would not do: older
      -- servers look only at the other conditions once they have waited for a change.
      delete from {schema}.delayed d where d.ctid = any (array(select place from portion))
        and d.due_at <= p_now
      returning d.due_at, d.id, d.fields
    )
    select array_agg(fields order by due_at, id) into v_fields from taken;
    if v_fields is null then return 0; end if;
    perform {schema}.publish(array_fill(p_stream, array[cardinality(v_fields)]), v_fields);
    return cardinality(v_fields);
  end $$`,
];
