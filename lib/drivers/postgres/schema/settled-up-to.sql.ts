import { FAST } from './settings.js';

/**
 * Finds up to which id a group has settled everything. Returns nothing where there is no such group.
 *
 * Messages are not committed in the order of their ids. Publishers hold the lock of the stream from
 * before they draw ids until they have committed: so nothing is missing up to an id when all
 * publishers are gone that held the lock after the sequence had come to that id.
 * @param p_complete up to this id nothing is missing, as an earlier call has found
 * @param p_drawn ids that were drawn when an earlier call was made, and p_holders: the publishers that
 * held the lock then
 * @returns `upto`, null where nothing is settled; and the other three for the next call
 */
const SETTLED_UP_TO = `create function {schema}.settled_up_to(
    p_stream int, p_group text, p_complete bigint, p_drawn bigint, p_holders text[])
  returns table (upto bigint, complete bigint, drawn bigint, holders text[])
  language plpgsql ${FAST} as $$
  declare
    v_grp {schema}.grp;
    v_oldest bigint;
  begin
    select * into v_grp from {schema}.grp g
      where g.stream = p_stream and g.name = p_group and not g.deleted;
    if not found then return; end if;
    drawn := coalesce(pg_sequence_last_value('{schema}.message_id'), 0);
    holders := array(select l.virtualtransaction from pg_locks l
      where l.locktype = 'advisory' and l.mode = 'ShareLock' and l.granted
        and l.database = (select d.oid from pg_database d where d.datname = current_database())
        and l.classid = (select s.tableoid from {schema}.stream s where s.id = p_stream)
        and l.objid::bigint = p_stream);
    if holders = '{}' then
      complete := drawn;
    elsif holders && p_holders then
      complete := p_complete;
      drawn := p_drawn;
      holders := p_holders;
    else
      complete := p_drawn;
    end if;
    select min(o.message) into v_oldest from (
      (select d.message from {schema}.delivery d
        where d.grp = v_grp.id and d.free and d.redrive = 0 order by d.message limit 1)
      union all
      (select d.message from {schema}.delivery d
        where d.grp = v_grp.id and not d.free and d.redrive = 0 and d.record is null
        order by d.message limit 1)
      union all
      (select d.message from {schema}.delivery d
        where d.grp = v_grp.id and d.record is not null and d.redrive = 0
        order by d.message limit 1)) o;
    if v_oldest <= complete then
      upto := nullif(v_oldest - 1, 0);
      return next;
      return;
    end if;
    select max(known.id) into upto from (
      (select m.id from {schema}.message m
        where m.stream = p_stream and m.id <= complete order by m.id desc limit 1)
      union all select t.upto from {schema}.trimmed t where t.stream = p_stream
      union all select v_grp.position) known
      where known.id between 1 and complete;
    return next;
  end $$`;

/** How far groups have come. */
export const SETTLED: readonly string[] = [SETTLED_UP_TO];
