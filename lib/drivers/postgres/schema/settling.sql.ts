import { HAS_DATA, LEASES, OF_LEASE, STILL_HELD } from './runs.sql.js';
import { messageOf } from './message-of.js';
import { FAST } from './settings.js';

/** What a settlement without the guards of its subscription does: nothing. */
const UNDER_GUARDS = `if p_keys is not null and not {schema}.guards_hold(p_keys, p_tokens) then
      return array(select 'lost' from unnest(p_grps));
    end if;`;

const E = `e as materialized (select * from unnest(p_grps, p_messages, p_redrives, p_holds)
        with ordinality as e(grp, message, redrive, hold, at))`;

/**
 * Returns one word for each lease, in order. @param outcomes the words of the leases that stand in these
 * lists; those that stand in none are lost or gone
 */
const wordsOf = (outcomes: Readonly<Record<string, string>>): string => {
  const lists = Object.entries(outcomes);
  const words = lists.map(([list, word]) => `when ${list}.at is not null then '${word}'`);
  const joins = lists.map(([list]) => `left join ${list} on ${list}.at = e.at`);
  return `select array_agg(case ${words.join(' ')}
        else {schema}.word_of_lease(e.grp, e.message, e.redrive) end order by e.at) into v_words
    from e ${joins.join(' ')};
    return v_words;`;
};

/** Completes keys. Returns those that were not completed before. */
const COMPLETE = `create function {schema}.complete_keys(p_keys text[], p_ttls bigint[])
  returns text[] language plpgsql ${FAST} as $$
  #variable_conflict use_column
  declare v_words text[];
  begin
    with made as (
      insert into {schema}.completion as c (key, owner, expires_at, told)
      select g.key, null, statement_timestamp() + g.ttl * interval '1 ms', 'done'
      from (select key, max(ttl) as ttl from unnest(p_keys, p_ttls) as g(key, ttl)
        where key is not null group by key) g
      order by g.key
      on conflict (key) do update set owner = null, told = 'done',
        expires_at = greatest(c.expires_at, excluded.expires_at)
        where c.owner is not null or c.expires_at <= statement_timestamp()
      returning key
    ) select array_agg(key) into v_words from made;
    return coalesce(v_words, '{}');
  end $$`;

/**
 * Acknowledges entries, no matter which run has them, and completes the keys that are given. Returns
 * false where a guard does not hold.
 */
const ACK = `create function {schema}.acknowledge(
    p_grps int[], p_messages bigint[], p_redrives bigint[],
    p_keys text[], p_tokens bigint[], p_completed text[], p_ttls bigint[])
  returns boolean language plpgsql ${FAST} as $$
  begin
    if p_keys is not null and not {schema}.guards_hold(p_keys, p_tokens) then
      return false;
    end if;
    delete from {schema}.delivery d
      using unnest(p_grps, p_messages, p_redrives) as e(grp, message, redrive) where ${OF_LEASE};
    if p_completed is not null then
      perform {schema}.complete_keys(p_completed, p_ttls);
    end if;
    return true;
  end $$`;

/**
 * Acknowledges entries and publishes what follows from them. Returns one word for each lease, in
 * order: `settled`, `lost` or `gone`.
 * @param p_completed with p_ttls: for each lease the key that it completes, or null. Only the first
 * completion of a key publishes
 * @param p_owners the place of the lease, from 1, of each message that follows
 * @param p_in with p_at: when a message is due that is published later. Both null: at once
 */
const ACK_AND_PUBLISH = `create function {schema}.acknowledge_and_publish(
    ${LEASES}, p_keys text[], p_tokens bigint[], p_completed text[], p_ttls bigint[],
    p_owners int[], p_streams int[], p_fields text[], p_in bigint[], p_at bigint[])
  returns text[] language plpgsql ${FAST} as $$
  #variable_conflict use_column
  declare
    v_settled int[];
    v_publishing int[];
    v_streams int[];
    v_fields text[];
    v_in bigint[];
    v_at bigint[];
  begin
    -- Before any row is locked: a transaction that deletes the group has this lock first, too.
    perform {schema}.lock_publishing(p_streams);
    ${UNDER_GUARDS}
    with ${E}, settled as (
      delete from {schema}.delivery d using e where ${STILL_HELD} returning e.at
    ) select array_agg(at) into v_settled from settled;
    v_settled := coalesce(v_settled, '{}');
    v_publishing := v_settled;
    if p_completed is not null then
      v_publishing := {schema}.first_completions(v_settled, p_completed, p_ttls);
    end if;
    select array_agg(n.stream order by n.at), array_agg(n.fields order by n.at)
      into v_streams, v_fields
      from unnest(p_owners, p_streams, p_fields, p_in, p_at)
        with ordinality as n(owner, stream, fields, due_in, due_at, at)
      where n.owner = any (v_publishing) and n.due_in is null and n.due_at is null;
    if v_streams is not null then
      perform {schema}.publish(v_streams, v_fields);
    end if;
    select array_agg(n.stream order by n.at), array_agg(n.fields order by n.at),
        array_agg(n.due_in order by n.at), array_agg(n.due_at order by n.at)
      into v_streams, v_fields, v_in, v_at
      from unnest(p_owners, p_streams, p_fields, p_in, p_at)
        with ordinality as n(owner, stream, fields, due_in, due_at, at)
      where n.owner = any (v_publishing) and (n.due_in is not null or n.due_at is not null);
    if v_streams is not null then
      perform {schema}.schedule(v_streams, v_fields, v_in, v_at, null, null);
    end if;
    return array(select case when e.at = any (v_settled) then 'settled'
        else {schema}.word_of_lease(e.grp, e.message, e.redrive) end
      from unnest(p_grps, p_messages, p_redrives) with ordinality as e(grp, message, redrive, at)
      order by e.at);
  end $$`;

/**
 * Completes the keys of the leases that were settled. Returns the places of those that publish: they
 * have no key, or were the first to complete it.
 */
const FIRST_COMPLETIONS = `create function {schema}.first_completions(
    p_settled int[], p_completed text[], p_ttls bigint[])
  returns int[] language plpgsql as $$
  #variable_conflict use_column
  declare v_first text[];
  begin
    v_first := {schema}.complete_keys(
      array(select c.key from unnest(p_completed) with ordinality as c(key, at)
        where c.at = any (p_settled) and c.key is not null order by c.at),
      array(select c.ttl from unnest(p_completed, p_ttls) with ordinality as c(key, ttl, at)
        where c.at = any (p_settled) and c.key is not null order by c.at));
    return array(select c.at from (
        select c.key, c.at, row_number() over (partition by c.key order by c.at) as turn
        from unnest(p_completed) with ordinality as c(key, at) where c.at = any (p_settled)) c
      where c.key is null or (c.turn = 1 and c.key = any (v_first)));
  end $$`;

/**
 * Keeps or gives back entries. Returns one word for each lease, in order: `settled`, `lost`, `gone`, or
 * `trimmed` where the data is gone: then the row is deleted.
 * @param p_kinds for each lease: `retry` and `leave` keep it pending, `release` gives it to any
 * consumer, `elsewhere` to any other consumer
 * @param p_attempts the counts of runs that they keep
 */
const PUT_BACK = `create function {schema}.put_back(
    ${LEASES}, p_attempts int[], p_kinds text[], p_keys text[], p_tokens bigint[])
  returns text[] language plpgsql ${FAST} as $$
  #variable_conflict use_column
  declare v_words text[];
  begin
    ${UNDER_GUARDS}
    with e as materialized (
      select * from unnest(p_grps, p_messages, p_redrives, p_holds, p_attempts, p_kinds)
        with ordinality as e(grp, message, redrive, hold, attempt, kind, at)
    ), settled as (
      update {schema}.delivery d set attempt = e.attempt, fresh_at = clock_timestamp(),
        free = d.free or e.kind in ('release', 'elsewhere'), delivered = true,
        elsewhere = e.kind = 'elsewhere' or (d.elsewhere and e.kind <> 'release'),
        hold = d.hold + (e.kind = 'release')::int,
        consumer = case when e.kind = 'release' then null else d.consumer end
      from e where ${STILL_HELD} and not d.trimmed and (e.kind = 'leave' or ${HAS_DATA})
      returning e.at
    ), dropped as (
      delete from {schema}.delivery d using e
      where ${STILL_HELD} and not d.trimmed and e.kind <> 'leave' and not ${HAS_DATA}
      returning e.at
    )
    ${wordsOf({ settled: 'settled', dropped: 'trimmed' })}
  end $$`;

/**
 * Makes entries dead letters. Returns one word for each lease, in order: `settled`, `lost` or `gone`.
 * @param p_streams the streams of the records, `p_names` the names of the groups
 * @param p_fields the fields as they were handed out. Null: as they are stored
 */
const BURY = `create function {schema}.bury(
    ${LEASES}, p_keys text[], p_tokens bigint[], p_streams int[], p_names text[], p_origins text[],
    p_published bigint[], p_records text[], p_fields text[])
  returns text[] language plpgsql ${FAST} as $$
  #variable_conflict use_column
  declare v_words text[];
  begin
    ${UNDER_GUARDS}
    with e as materialized (
      select * from unnest(p_grps, p_messages, p_redrives, p_holds, p_streams, p_names, p_origins,
          p_published, p_records, p_fields) with ordinality as e(grp, message, redrive, hold,
          stream, name, origin, published, record, fields, at)
    ), settled as (
      delete from {schema}.delivery d using e where ${STILL_HELD} returning e.at, d.fields
    ), buried as (
      insert into {schema}.dead_letter (stream, grp, origin, published_at, record, fields)
      select e.stream, e.name, e.origin, e.published, e.record,
        coalesce(e.fields, settled.fields, m.fields, '[]')
      from settled join e on e.at = settled.at
      left join {schema}.grp g on g.id = e.grp and e.redrive = 0
      left join ${messageOf('g.stream', 'e.message')} on true
      order by e.at
    )
    ${wordsOf({ settled: 'settled' })}
  end $$`;

/**
 * Puts entries on hold. Returns one word for each lease, in order: `settled`, `lost`, `gone`, or
 * `unheld` where the data is gone, and nothing was done.
 */
const HOLD = `create function {schema}.put_on_hold(
    ${LEASES}, p_attempts int[], p_records text[], p_keys text[], p_tokens bigint[])
  returns text[] language plpgsql ${FAST} as $$
  #variable_conflict use_column
  declare v_words text[];
  begin
    ${UNDER_GUARDS}
    with e as materialized (
      select * from unnest(p_grps, p_messages, p_redrives, p_holds, p_attempts, p_records)
        with ordinality as e(grp, message, redrive, hold, attempt, record, at)
    ), stored as (
      select e.at, coalesce(d.fields, m.fields) as fields,
        coalesce(d.published_at, m.published_at) as published_at
      from e join {schema}.delivery d on ${OF_LEASE}
      left join {schema}.grp g on g.id = d.grp and d.redrive = 0
      left join ${messageOf('g.stream', 'd.message')} on true
    ), settled as (
      update {schema}.delivery d set record = e.record, attempt = e.attempt, consumer = null,
        fields = stored.fields, published_at = stored.published_at, free = false,
        delivered = true, elsewhere = false, handed = false, fresh_at = clock_timestamp()
      from e join stored on stored.at = e.at
      where ${STILL_HELD} and stored.fields is not null
      returning e.at
    ), unheld as (
      update {schema}.delivery d set trimmed = true from e join stored on stored.at = e.at
      where ${STILL_HELD} and stored.fields is null returning e.at
    )
    ${wordsOf({ settled: 'settled', unheld: 'unheld' })}
  end $$`;

/** What settles leases. */
export const SETTLING: readonly string[] = [
  COMPLETE,
  ACK,
  FIRST_COMPLETIONS,
  ACK_AND_PUBLISH,
  PUT_BACK,
  BURY,
  HOLD,
];
