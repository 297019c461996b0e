import { HAS_DATA } from './runs.sql.js';
import { FAST, lockClass, SHORT_WAIT } from './settings.js';

/**
 * Keeps publishers, and other changes of groups, away from a stream until the transaction ends.
 * Fails after a short wait for publishers, so that others need not wait behind this one.
 * Returns false where there is no such stream. The row of the stream is written, see
 * `lock_publishing`.
 */
const LOCK_STREAM = `create function {schema}.lock_stream(p_stream int) returns boolean
  language plpgsql as $$
  declare v_class int;
  begin
    select ${lockClass('tableoid')} into v_class from {schema}.stream where id = p_stream;
    if v_class is null then return false; end if;
    perform pg_advisory_xact_lock(v_class, p_stream);
    update {schema}.stream set name = name where id = p_stream;
    return found;
  end $$`;

/** The id that a position stands for: behind it a group begins. */
const POSITION = `create function {schema}.position_of(p_stream int, p_start text) returns bigint
  language sql stable as $$
  select case when p_start = '$' then greatest(
      (select max(m.id) from {schema}.message m where m.stream = p_stream),
      coalesce((select t.upto from {schema}.trimmed t where t.stream = p_stream), 0))
    else p_start::bigint end $$`;

/**
 * Creates a group, with all messages behind its position. Returns its number and `created`, `exists`,
 * `deleted` (on request, and p_revived is false), or `absent`: there is no such stream.
 */
const CREATE_GROUP = `create function {schema}.create_group(
    p_stream int, p_name text, p_start text, p_revived boolean)
  returns table (id int, word text) language plpgsql ${SHORT_WAIT} as $$
  #variable_conflict use_column
  declare
    v_grp {schema}.grp;
    v_locked boolean := false;
  begin
    loop
      select * into v_grp from {schema}.grp g where g.stream = p_stream and g.name = p_name;
      if found and not v_grp.deleted then
        return query select v_grp.id, 'exists';
        return;
      elsif found and not p_revived then
        return query select null::int, 'deleted';
        return;
      end if;
      exit when v_locked;
      if not {schema}.lock_stream(p_stream) then
        return query select null::int, 'absent';
        return;
      end if;
      v_locked := true;
    end loop;
    delete from {schema}.grp g where g.id = v_grp.id;
    insert into {schema}.grp (stream, name, position)
      values (p_stream, p_name, {schema}.position_of(p_stream, p_start)) returning * into v_grp;
    insert into {schema}.delivery (grp, message)
      select v_grp.id, m.id from {schema}.message m
      where m.stream = p_stream and m.id > v_grp.position order by m.id;
    perform {schema}.adopt_redriven(v_grp.id);
    return query select v_grp.id, 'created';
  end $$`;

/** Deletes a group and all that it has. Returns false where there is none. */
const DELETE_GROUP = `create function {schema}.delete_group(p_stream int, p_name text)
  returns boolean language plpgsql ${SHORT_WAIT} as $$
  declare v_grp int;
  begin
    if not {schema}.lock_stream(p_stream) then return false; end if;
    update {schema}.grp set deleted = true
      where stream = p_stream and name = p_name and not deleted returning id into v_grp;
    if v_grp is null then return false; end if;
    delete from {schema}.delivery where grp = v_grp;
    delete from {schema}.member where grp = v_grp;
    return true;
  end $$`;

/**
 * Sets where a group reads on. Entries that no consumer has, and that are not behind the position,
 * are skipped. All that are behind it are handed out, also those that were settled or are pending.
 * Returns `moved`, `no-group` or `no-stream`.
 */
const MOVE_GROUP = `create function {schema}.move_group(p_stream int, p_name text, p_start text)
  returns text language plpgsql ${SHORT_WAIT} as $$
  declare
    v_grp int;
    v_position bigint;
  begin
    if not {schema}.lock_stream(p_stream) then return 'no-stream'; end if;
    v_position := {schema}.position_of(p_stream, p_start);
    update {schema}.grp set position = v_position
      where stream = p_stream and name = p_name and not deleted returning id into v_grp;
    if v_grp is null then return 'no-group'; end if;
    delete from {schema}.delivery where grp = v_grp and free and redrive = 0 and not delivered
      and consumer is null and message <= v_position;
    -- What was to be read again is not read again.
    update {schema}.delivery set delivered = true, free = elsewhere
      where grp = v_grp and free and redrive = 0 and not delivered and message <= v_position;
    insert into {schema}.delivery as d (grp, message)
      select v_grp, m.id from {schema}.message m
      where m.stream = p_stream and m.id > v_position order by m.id
    on conflict (message, grp, redrive) do update set delivered = false, free = true
      where d.delivered and d.consumer is not null and d.record is null and not d.handed;
    return 'moved';
  end $$`;

/** Since a time, in whole milliseconds. Null where there is none. */
const MS_SINCE = `create function {schema}.ms_since(p_time timestamptz) returns bigint
  language sql volatile as $$
  select case when p_time is not null then
    greatest(0, floor(extract(epoch from clock_timestamp() - p_time) * 1000))::bigint end $$`;

/** Since a message was published, in whole milliseconds. 0: there is no such message. */
const AGE_OF = `create function {schema}.age_of(p_stream int, p_id bigint) returns bigint
  language sql volatile as $$
  select coalesce((select greatest(0, {schema}.now_ms() - m.published_at) from {schema}.message m
    where m.stream = p_stream and m.id = p_id), 0) $$`;

/**
 * Hands pending entries to a consumer, which fetches them with its next claim. Returns their ids.
 * Entries whose data is gone are dropped.
 */
const CLAIM_FOR = `create function {schema}.claim_for(
    p_grp int, p_consumer text, p_idle bigint, p_ids bigint[])
  returns setof bigint language plpgsql ${FAST} as $$
  begin
    delete from {schema}.delivery d
      where d.message = any (p_ids) and d.grp = p_grp and d.redrive = 0 and not ${HAS_DATA};
    return query update {schema}.delivery d set consumer = p_consumer, handed = true, free = false,
        elsewhere = false, delivered = true, hold = d.hold + 1, fresh_at = clock_timestamp()
      where d.message = any (p_ids) and d.grp = p_grp and d.redrive = 0 and d.record is null
        and (not d.free or d.delivered or d.consumer is not null)
        and (d.free or d.fresh_at <= clock_timestamp() - p_idle * interval '1 ms')
      returning d.message;
  end $$`;

/** What creates, deletes and moves groups. */
export const GROUPS: readonly string[] = [
  LOCK_STREAM,
  POSITION,
  CREATE_GROUP,
  DELETE_GROUP,
  MOVE_GROUP,
  MS_SINCE,
  AGE_OF,
  CLAIM_FOR,
];
