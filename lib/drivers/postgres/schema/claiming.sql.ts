import { CLAIMED, returning, noEntry, UNDER_GUARDS } from './hand-out.js';
import { FAST } from './settings.js';

/** The rows of a group that any consumer may take. */
const FREE = `select x.place, x.delivered, x.consumer from unnest(p_grps) as g(id), lateral (
    select d.ctid as place, d.delivered, d.consumer from {schema}.delivery d
    where d.grp = g.id and d.free and d.redrive = 0
      and (d.consumer is distinct from p_me or not d.elsewhere)
    order by d.message limit p_most - v_count for update of d skip locked
  ) x limit p_most - v_count`;

const REDRIVEN = `select x.place, true as delivered, x.consumer from unnest(p_grps) as g(id), lateral (
    select d.ctid as place, d.consumer from {schema}.delivery d
    where d.grp = g.id and d.free and d.redrive > 0
      and (d.consumer is distinct from p_me or not d.elsewhere)
    order by d.redrive limit p_most - v_count for update of d skip locked
  ) x limit p_most - v_count`;

/** The rows that wait for this consumer. */
const HANDED = `select d.ctid as place, true as delivered, null::text as consumer
  from {schema}.delivery d
  where d.grp = any (p_grps) and d.consumer = p_me and d.handed
  order by d.message limit p_most - v_count for update of d skip locked`;

/**
 * Hands entries of these groups to the consumer `p_me`: those that were handed to it, redriven ones,
 * and free ones in the order of their stream, at most `p_most` together. The groups that stand first
 * are served first.
 * @param p_keys with p_tokens: guards that have to hold. Null: there are none
 * @param p_noted true: the consumer is noted as seen
 */
const CLAIM = `create function {schema}.claim(
    p_me text, p_grps int[], p_most int, p_keys text[], p_tokens bigint[], p_noted boolean)
  returns setof {schema}.claimed language plpgsql ${FAST} as $$
  #variable_conflict use_column
  declare
    v_now timestamptz;
    v_count int := 0;
    v_more int;
  begin
    ${UNDER_GUARDS}
    v_now := clock_timestamp();
    ${returning(HANDED, `'handed'`)}
    ${returning(REDRIVEN, `'back'`)}
    ${returning(FREE, `case when found.delivered then 'back' else 'new' end`)}
    if v_count = 0 then
      return query select ${noEntry('gone', { grp: 'p.id' })} from unnest(p_grps) as p(id)
        where not exists (select from {schema}.grp g where g.id = p.id and not g.deleted);
    end if;
    if p_noted then
      perform {schema}.note_member(p_me, p_grps, v_count > 0);
    end if;
  end $$`;

/** Hands to the consumer `p_me` only what was handed to it. */
const CLAIM_HANDED = `create function {schema}.claim_handed(p_me text, p_grps int[], p_most int)
  returns setof {schema}.claimed language plpgsql ${FAST} as $$
  #variable_conflict use_column
  declare
    v_now timestamptz := clock_timestamp();
    v_count int := 0;
    v_more int;
  begin
    ${returning(HANDED, `'handed'`)}
  end $$`;

/** Gives back, for any consumer, what waits for the consumer `p_me`. Returns the groups of these. */
const GIVE_BACK_HANDED = `create function {schema}.give_back_handed(p_me text, p_grps int[])
  returns setof int language sql ${FAST} as $$
  with given as (
    update {schema}.delivery set free = true, consumer = null, handed = false, hold = hold + 1
    where grp = any (p_grps) and consumer = p_me and handed returning grp
  ) select distinct grp from given $$`;

/** Notes that a consumer was seen. */
const NOTE_MEMBER = `create function {schema}.note_member(p_me text, p_grps int[], p_got boolean)
  returns void language sql as $$
  insert into {schema}.member as m (grp, consumer, seen_at, got_at)
    select g.id, p_me, clock_timestamp(), case when p_got then clock_timestamp() end
    from {schema}.grp g where g.id = any (p_grps) and not g.deleted order by g.id
  on conflict (grp, consumer) do update
    set seen_at = excluded.seen_at, got_at = coalesce(excluded.got_at, m.got_at), taken = 0 $$`;

/** What hands out entries that no consumer has. */
export const CLAIMING: readonly string[] = [
  CLAIMED,
  NOTE_MEMBER,
  CLAIM,
  CLAIM_HANDED,
  GIVE_BACK_HANDED,
];
