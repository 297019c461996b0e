import { handOut, noEntry, returning, UNDER_GUARDS } from './hand-out.js';
import { FAST } from './settings.js';

/** Entries of other consumers that are not kept fresh. */
const STALE = `select x.place, true as delivered, x.consumer from unnest(p_grps) as g(id), lateral (
    select d.ctid as place, d.consumer from {schema}.delivery d
    where d.grp = g.id and not d.free and d.record is null and d.consumer <> p_me
      and d.fresh_at < v_now - p_idle * interval '1 ms'
      and (not d.handed or not {schema}.receives(d.grp, d.consumer))
    order by d.message, d.redrive limit p_most - v_count for update of d skip locked
  ) x limit p_most - v_count`;

/** Entries of this consumer that the caller does not know, of those that are `which`. */
const unknown = (which: string): string => `
  select x.place, true as delivered, x.consumer from unnest(p_grps) as g(id), lateral (
    select d.ctid as place, d.consumer from {schema}.delivery d
    where d.grp = g.id and ${which} and d.record is null and d.consumer = p_me and not d.handed
      and not exists (select from unnest(p_known_grps, p_known_messages, p_known_redrives)
        as k(grp, message, redrive)
        where k.grp = d.grp and k.message = d.message and k.redrive = d.redrive)
      and (p_oldest is null or d.fresh_at >= v_now - p_oldest * interval '1 ms')
      and d.fresh_at <= v_now - p_youngest * interval '1 ms'
    order by d.message, d.redrive limit p_most - v_count for update of d skip locked
  ) x limit p_most - v_count`;

/**
 * Consumers that were not seen for long, with the number of their entries. All entries that any
 * consumer has are counted once, and only where such a consumer exists.
 */
const HOLDING = `unseen as materialized (
      select m.* from {schema}.member m where m.grp = any (p_grps) and m.consumer <> p_me
        and m.seen_at < v_now - least(p_crashed, p_absent) * interval '1 ms'
    ), counted as materialized (
      select d.grp, d.consumer, count(*)::int as number from {schema}.delivery d
      where d.grp = any (array(select distinct grp from unseen)) and not d.free and d.record is null
      group by d.grp, d.consumer
    ), holding as materialized (
      select u.*, coalesce(c.number, 0) as number from unseen u
      left join counted c on c.grp = u.grp and c.consumer = u.consumer
    )`;

/**
 * Looks after the groups: takes over entries that other consumers did not keep fresh, at most
 * `p_most`, and tells of consumers that were not seen for long. All times in milliseconds.
 * @param p_idle entries that were not kept fresh for this time are taken over
 * @param p_crashed consumers with entries that were not seen for this time are told of
 * @param p_absent consumers without entries that were not seen for this time are removed
 */
const LOOK_AFTER = `create function {schema}.look_after(
    p_me text, p_grps int[], p_most int, p_keys text[], p_tokens bigint[],
    p_idle bigint, p_crashed bigint, p_absent bigint)
  returns setof {schema}.claimed language plpgsql ${FAST} as $$
  #variable_conflict use_column
  declare
    v_now timestamptz;
    v_count int := 0;
    v_taken {schema}.claimed[];
  begin
    ${UNDER_GUARDS}
    v_now := clock_timestamp();
    if p_most > 0 then
      ${handOut(STALE, `'stale'`, 'array_agg(row(h.*)::{schema}.claimed order by h.message, h.redrive) into v_taken')};
      return query select * from unnest(v_taken);
      update {schema}.member m set taken = m.taken + t.number
        from (select grp, holder, count(*) as number from unnest(v_taken) group by grp, holder) t
        where m.grp = t.grp and m.consumer = t.holder;
    end if;
    return query with ${HOLDING}, removed as (
        delete from {schema}.member m using holding h
        where h.number = 0 and m.grp = h.grp and m.consumer = h.consumer
          and m.seen_at < v_now - p_absent * interval '1 ms'
        returning m.grp, m.consumer)
      select ${noEntry('silent', {
        grp: 'h.grp',
        attempt: 'h.taken + h.number',
        ms: 'floor(extract(epoch from v_now - h.seen_at) * 1000)::bigint',
        holder: 'h.consumer',
      })} from holding h
      where h.taken + h.number > 0 and h.seen_at < v_now - p_crashed * interval '1 ms'
      union all
      select ${noEntry('removed', { grp: 'r.grp', holder: 'r.consumer' })} from removed r;
    return query select ${noEntry('unknown', {})} where exists (
      select from unnest(p_grps) as g(id) join {schema}.delivery d on d.grp = g.id and not d.free
      where d.record is null and d.consumer = p_me and not d.handed
        and d.fresh_at < v_now - p_idle * interval '1 ms');
  end $$`;

/**
 * Takes up, at most `p_most`, entries of this consumer that are not among the known ones: an earlier
 * process of its name had them, or an answer was lost.
 * @param p_oldest with p_youngest: how long ago they were kept fresh, in milliseconds. p_oldest may be
 * null: any time
 */
const ADOPT = `create function {schema}.adopt(
    p_me text, p_grps int[], p_most int, p_keys text[], p_tokens bigint[],
    p_known_grps int[], p_known_messages bigint[], p_known_redrives bigint[],
    p_oldest bigint, p_youngest bigint)
  returns setof {schema}.claimed language plpgsql set enable_seqscan = off as $$
  #variable_conflict use_column
  declare
    v_now timestamptz;
    v_count int := 0;
    v_more int;
  begin
    ${UNDER_GUARDS}
    v_now := clock_timestamp();
    ${returning(unknown('not d.free'), `'adopted'`)}
    ${returning(unknown('d.elsewhere'), `'adopted'`)}
  end $$`;

/**
 * Takes, at most `p_most`, the entries of a group behind the id `p_after`, up to the last one that
 * any consumer has pending, in their order. Where `p_after` is 0, redriven ones of other consumers come
 * first. Needs guards that keep all other consumers away. Nothing is returned once all are taken.
 */
const TAKE_OVER = `create function {schema}.take_over(
    p_me text, p_grp int, p_most int, p_keys text[], p_tokens bigint[], p_after bigint)
  returns setof {schema}.claimed language plpgsql ${FAST} as $$
  #variable_conflict use_column
  declare
    v_now timestamptz;
    v_count int := 0;
    v_more int;
    v_last bigint;
    v_ids bigint[];
  begin
    ${UNDER_GUARDS}
    v_now := clock_timestamp();
    if p_after = 0 then
      ${returning(
        `select d.ctid as place, true as delivered, d.consumer from {schema}.delivery d
        where d.grp = p_grp and not d.free and d.redrive > 0 and d.record is null
          and d.consumer <> p_me
        order by d.message, d.redrive limit p_most for update of d`,
        `'back'`,
      )}
    end if;
    select max(d.message) into v_last from {schema}.delivery d
      where d.grp = p_grp and not d.free and d.redrive = 0 and d.record is null;
    v_ids := array(select id from (
      (select d.message as id from {schema}.delivery d
        where d.grp = p_grp and not d.free and d.redrive = 0 and d.record is null
          and d.message > p_after order by d.message limit p_most - v_count)
      union all
      (select d.message as id from {schema}.delivery d
        where d.grp = p_grp and d.free and d.redrive = 0
          and d.message > p_after and d.message <= v_last order by d.message limit p_most - v_count)
    ) pending order by id limit p_most - v_count);
    return query ${handOut(
      `select d.ctid as place, d.delivered, d.consumer from {schema}.delivery d
      where d.message = any (v_ids) and d.grp = p_grp and d.redrive = 0 for update of d`,
      `case when found.delivered then 'back' else 'new' end`,
    )};
  end $$`;

/** What takes over entries that some consumer has. */
export const TAKING_OVER: readonly string[] = [LOOK_AFTER, ADOPT, TAKE_OVER];
