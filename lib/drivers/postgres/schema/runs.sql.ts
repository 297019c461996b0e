import { FAST } from './settings.js';

/** The leases of a call, one element each. They are told apart by their place in the lists. */
export const LEASES = `p_grps int[], p_messages bigint[], p_redrives bigint[], p_holds int[]`;

/** The rows of the leases `e`. */
export const OF_LEASE = `d.message = e.message and d.grp = e.grp and d.redrive = e.redrive`;

/** The leases that still have their row. */
export const STILL_HELD = `${OF_LEASE} and d.hold = e.hold and d.record is null`;

/** The data of a row is there. */
export const HAS_DATA = `(d.fields is not null or exists (select from {schema}.message m
  where m.stream = (select g.stream from {schema}.grp g where g.id = d.grp) and m.id = d.message))`;

/**
 * What became of leases that have no row any more: `lost` where another run has the entry, else
 * `gone`.
 */
const WORD_OF_LEASES = `create function {schema}.word_of_lease(
    p_grp int, p_message bigint, p_redrive bigint)
  returns text language sql stable as $$
  select case when exists (select from {schema}.delivery d
    where d.message = p_message and d.grp = p_grp and d.redrive = p_redrive and d.record is null
      and not d.trimmed)
    then 'lost' else 'gone' end $$`;

/**
 * Counts runs: `p_attempts` are the counts with the run that begins. Returns one row for each lease,
 * in order: `started`, `lost`, `gone`, or `trimmed` where the data is gone: then the row is deleted. Has
 * the fields where `p_fetched` says so.
 */
const BEGIN_RUNS = `create function {schema}.begin_runs(
    ${LEASES}, p_attempts int[], p_fetched boolean[], p_keys text[], p_tokens bigint[])
  returns table (word text, fields text) language plpgsql ${FAST} as $$
  #variable_conflict use_column
  begin
    if p_keys is not null and not {schema}.guards_hold(p_keys, p_tokens) then
      return query select 'lost', null::text from unnest(p_grps);
      return;
    end if;
    return query with e as materialized (
      select * from unnest(p_grps, p_messages, p_redrives, p_holds, p_attempts, p_fetched)
        with ordinality as e(grp, message, redrive, hold, attempt, fetched, at)
    ), started as (
      update {schema}.delivery d set attempt = e.attempt, fresh_at = clock_timestamp(),
        free = false, delivered = true, elsewhere = false
      from e where ${STILL_HELD} and not d.trimmed and ${HAS_DATA}
      returning e.at, d.fields
    ), dropped as (
      delete from {schema}.delivery d using e
      where ${STILL_HELD} and not d.trimmed and not ${HAS_DATA}
      returning e.at
    )
    select case when started.at is not null then 'started'
        when dropped.at is not null then 'trimmed'
        else {schema}.word_of_lease(e.grp, e.message, e.redrive) end,
      case when started.at is not null and e.fetched then coalesce(started.fields, (
        select m.fields from {schema}.message m
        where m.stream = (select g.stream from {schema}.grp g where g.id = e.grp)
          and m.id = e.message)) end
    from e left join started on started.at = e.at left join dropped on dropped.at = e.at
    order by e.at;
  end $$`;

/**
 * Keeps entries fresh. Returns one word for each lease, in order: `held`, `lost`, `gone`, or once
 * `trimmed` where the data is gone. A trimmed entry can still be settled by its lease.
 */
const EXTEND_LEASES = `create function {schema}.extend_leases(
    ${LEASES}, p_keys text[], p_tokens bigint[])
  returns text[] language plpgsql ${FAST} as $$
  #variable_conflict use_column
  declare v_words text[];
  begin
    if p_keys is not null and not {schema}.guards_hold(p_keys, p_tokens) then
      return array(select 'lost' from unnest(p_grps));
    end if;
    with e as materialized (
      select * from unnest(p_grps, p_messages, p_redrives, p_holds)
        with ordinality as e(grp, message, redrive, hold, at)
    ), kept as (
      update {schema}.delivery d set fresh_at = clock_timestamp(), trimmed = not ${HAS_DATA}
      from e where ${STILL_HELD} and not d.trimmed
      returning e.at, d.trimmed
    )
    select array_agg(case when kept.trimmed then 'trimmed' when kept.at is not null then 'held'
      else {schema}.word_of_lease(e.grp, e.message, e.redrive) end order by e.at) into v_words
    from e left join kept on kept.at = e.at;
    return v_words;
  end $$`;

/** What happens to leases between being handed out and being settled. */
export const RUNS: readonly string[] = [WORD_OF_LEASES, BEGIN_RUNS, EXTEND_LEASES];
