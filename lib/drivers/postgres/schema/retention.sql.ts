import { FAST } from './settings.js';

/** Statements that make the tables, indexes and functions. `{schema}` is the name of the schema. */
export const RETENTION: readonly string[] = [
  /**
   * The groups that count for trimming a stream. Null where nothing may be deleted: the stream has no
   * group, or one of those that must exist is missing.
   */
  `create function {schema}.trimming_groups(p_stream int, p_required text[])
  returns int[] language sql as $$
    select array_agg(id) filter (where not deleted)
    from {schema}.grp where stream = p_stream
    having p_required <@ array_agg(name)
  $$`,
  /**
   * The oldest messages of a stream from an id on that the policy does not keep, a portion of them.
   *
   * - \`p_upto\`: the highest id that may be deleted.
   * - \`p_before\`: only messages that were published before this time may be deleted, in milliseconds
   *   since the epoch.
   */
  `create function {schema}.trimming_page(
    p_stream int, p_from bigint, p_upto bigint, p_before bigint, p_portion int
  ) returns table (place tid, id bigint, old boolean) language sql
  ${FAST} as $$
    select m.ctid, m.id, m.published_at < p_before
    from {schema}.message m
    where m.stream = p_stream and m.id >= p_from and m.id <= p_upto
    order by m.id limit p_portion
  $$`,
  /**
   * Deletes one portion of a stream. Where loss is not allowed, messages stay that some group has not
   * settled: those of which it has a row.
   *
   * Returns how many were deleted; how many of them some group had not settled, and the names of these
   * groups; the id behind the portion, null at the end of the stream.
   *
   * Takes the lock that publishing takes: no group is created meanwhile.
   */
  `create function {schema}.trim(
    p_stream int, p_required text[], p_from bigint, p_upto bigint, p_before bigint, p_loss boolean,
    p_portion int
  ) returns table (deleted int, lost int, losers text[], next_from bigint) language plpgsql
  ${FAST} as $$
  declare
    v_groups int[];
    v_upto bigint;
  begin
    perform {schema}.lock_publishing(array[p_stream]);
    v_groups := {schema}.trimming_groups(p_stream, p_required);
    if v_groups is null then
      return query select 0, 0, '{}'::text[], null::bigint;
      return;
    end if;
    with page as materialized (
      select * from {schema}.trimming_page(p_stream, p_from, p_upto, p_before, p_portion)
    ), unsettled as materialized (
      -- OFFSET keeps the part as it is written, so that it looks up each message.
      select d.place, d.grp, page.id as message, d.free from page, lateral (
        select d.ctid as place, d.grp, d.free from {schema}.delivery d
        where d.message = page.id and d.grp = any (v_groups) and d.redrive = 0 and d.record is null
        offset 0) d
      where page.old
    ), gone as (
      delete from {schema}.message m where m.ctid = any (array(
        select place from page where old and (p_loss or id not in (select message from unsettled))))
      returning m.id
    ), unread as (
      delete from {schema}.delivery d where d.ctid = any (array(
        select place from unsettled where p_loss and free)) and d.free
    )
    select (select count(*) from gone),
      (select count(distinct message) from unsettled where p_loss),
      array(select grp.name from {schema}.grp
        where grp.id in (select u.grp from unsettled u where p_loss)),
      (select max(id) + 1 from page having count(*) = p_portion), (select max(id) from gone)
    into deleted, lost, losers, next_from, v_upto;
    if deleted > 0 then
      insert into {schema}.trimmed as t (stream, messages, upto) values (p_stream, deleted, v_upto)
      on conflict (stream) do update
        set messages = t.messages + excluded.messages, upto = greatest(t.upto, excluded.upto);
    end if;
    return next;
  end $$`,
];
