import { FAST } from './settings.js';

/**
 * The registry of live consumers. `live_consumer` has one row for each consumer of a group. A
 * refresh writes this row alone, however many streams the consumer reads. `announcement` has one row
 * for each stream that a consumer reads. The next consumer of the same name overwrites it.
 */
const TABLES = [
  `create table {schema}.live_consumer (
    id bigint generated always as identity primary key,
    prefix text collate "C" not null,
    grp text collate "C" not null,
    instance text collate "C" not null,
    process text not null,
    since timestamptz not null,
    until timestamptz not null,
    taken boolean not null default false,
    unique (prefix, grp, instance)
  ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`,
  `create table {schema}.announcement (
    prefix text collate "C" not null,
    stream text collate "C" not null,
    grp text collate "C" not null,
    name text collate "C" not null,
    consumer bigint not null references {schema}.live_consumer on delete cascade,
    state text not null,
    said text not null,
    handles text[] not null,
    since timestamptz not null,
    closed_at timestamptz,
    primary key (prefix, stream, grp, name)
  ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`,
  'create index announcement_consumer on {schema}.announcement (consumer)',
  // What the consumers of a stream have announced, as of now. Durations are in milliseconds.
  `create view {schema}.announced as
    select a.prefix, a.stream, a.grp, a.name, a.consumer, a.state, a.said, a.handles,
      c.instance, c.process, a.state <> 'closed' and c.until > present as alive,
      1000 * extract(epoch from least(present, c.until, a.closed_at)
        - greatest(a.since, c.since))::float8 as age,
      1000 * extract(epoch from present - least(c.until, a.closed_at))::float8 as gone_for
    from {schema}.announcement a join {schema}.live_consumer c on c.id = a.consumer
      cross join clock_timestamp() as present`,
];

/**
 * Writes what a consumer announces, over what dead and closed consumers of its name had announced. A
 * dead consumer whose name is overwritten has lost it on all its streams. Leaves alone the streams
 * on which a live consumer has the name.
 */
const WRITE = `create function {schema}.write_announcements(
    p_id bigint, p_prefix text, p_grp text, p_name text,
    p_streams text[], p_states text[], p_told text[], p_patterns text[]) returns void language plpgsql as $$
  declare v_present timestamptz := clock_timestamp();
  begin
    update {schema}.live_consumer set taken = true where id in (
      select consumer from {schema}.announced where prefix = p_prefix and stream = any (p_streams)
        and grp = p_grp and name = p_name and consumer <> p_id and state <> 'closed'
        and not alive);
    insert into {schema}.announcement as a
      (prefix, stream, grp, name, consumer, state, said, handles, since)
      select p_prefix, given.stream, p_grp, p_name, p_id, given.state, given.said,
        array(select json_array_elements_text(given.pattern::json)), v_present
      from unnest(p_streams, p_states, p_told, p_patterns) as given(stream, state, said, pattern)
    on conflict (prefix, stream, grp, name) do update
      set consumer = p_id, state = excluded.state, said = excluded.said,
        handles = excluded.handles, closed_at = null,
        since = case when a.consumer = p_id and a.closed_at is null then a.since else v_present end
      where a.consumer = p_id or a.state = 'closed' or not exists (
        select from {schema}.live_consumer c where c.id = a.consumer and c.until > v_present);
  end $$`;

/**
 * Announces a consumer on many streams at once, or on none where a live consumer has its name on one
 * of them. Removes what has been gone for a day. The consumers of a group do so one after the other.
 * Returns the consumers that have the name. None: the consumer is announced.
 */
const ANNOUNCE = `create function {schema}.announce(
    p_prefix text, p_grp text, p_name text, p_instance text, p_process text, p_ttl int,
    p_streams text[], p_states text[], p_told text[], p_patterns text[], p_gone text[])
  returns setof {schema}.announced language plpgsql as $$
  declare
    v_present timestamptz;
    v_id bigint;
  begin
    perform pg_advisory_xact_lock(hashtextextended('announce:' || p_grp, 0));
    return query select r.* from {schema}.announced r
      where r.prefix = p_prefix and r.stream = any (p_streams) and r.grp = p_grp
        and r.name = p_name and r.alive and r.instance <> all (p_gone || p_instance);
    if found then return; end if;
    v_present := clock_timestamp();
    update {schema}.live_consumer c set until = v_present
      where c.prefix = p_prefix and c.grp = p_grp and c.instance = any (p_gone) and until > v_present;
    insert into {schema}.live_consumer as c (prefix, grp, instance, process, since, until)
      values (p_prefix, p_grp, p_instance, p_process, v_present,
        v_present + p_ttl * interval '1 millisecond')
    on conflict on constraint live_consumer_prefix_grp_instance_key do update
      set since = case when c.until > v_present then c.since else v_present end,
        until = excluded.until, taken = false
    returning c.id into v_id;
    perform {schema}.write_announcements(
      v_id, p_prefix, p_grp, p_name, p_streams, p_states, p_told, p_patterns);
    delete from {schema}.live_consumer c where c.id in (select old.id
      from {schema}.live_consumer old where old.until < v_present - interval '1 day'
      limit 100 for update skip locked);
    delete from {schema}.announcement a using (
      select old.ctid as at from {schema}.announcement old
      where old.closed_at < v_present - interval '1 day' limit 100 for update skip locked) as old
    where a.ctid = old.at;
  end $$`;

/**
 * Changes what a consumer announces on these streams, and keeps its announcement for another `ttl`.
 * Returns `kept`; `missing` where the registry does not know the consumer; `taken` where another
 * consumer has its name.
 */
const CHANGE = `create function {schema}.change_announced(
    p_prefix text, p_grp text, p_name text, p_instance text, p_ttl int,
    p_streams text[], p_states text[], p_told text[], p_patterns text[])
  returns text language plpgsql as $$
  declare v_own {schema}.live_consumer;
  begin
    perform pg_advisory_xact_lock(hashtextextended('announce:' || p_grp, 0));
    select * into v_own from {schema}.live_consumer c
      where c.prefix = p_prefix and c.grp = p_grp and c.instance = p_instance for update;
    if not found then return 'missing'; end if;
    if v_own.taken then return 'taken'; end if;
    update {schema}.live_consumer c
      set until = clock_timestamp() + p_ttl * interval '1 millisecond',
        since = case when c.until > clock_timestamp() then c.since else clock_timestamp() end,
        taken = exists (select from {schema}.announced a
          where a.prefix = p_prefix and a.stream = any (p_streams) and a.grp = p_grp
            and a.name = p_name and a.consumer <> v_own.id and a.alive)
      where c.id = v_own.id returning c.taken into v_own.taken;
    perform {schema}.write_announcements(
      v_own.id, p_prefix, p_grp, p_name, p_streams, p_states, p_told, p_patterns);
    return case when v_own.taken then 'taken' else 'kept' end;
  end $$`;

/** Whether a consumer of the group reads the stream, so that entries wait for it. */
const RECEIVES = `create function {schema}.receives(p_grp int, p_consumer text) returns boolean
  language sql stable as $$
  select exists (select from {schema}.grp g
    join {schema}.stream s on s.id = g.stream
    join {schema}.announced a
      on a.prefix = s.prefix and a.stream = s.name and a.grp = g.name and a.name = p_consumer
    where g.id = p_grp and a.state = 'live' and a.alive) $$`;

/**
 * Hands entries of one group to another consumer, each with the count of runs that it keeps. Returns
 * one word for each entry, in order. The lock on the announcement keeps other senders out, so that
 * not too many entries wait for the receiver.
 */
const HAND_OVER = `create function {schema}.hand_over(
    p_grp int, p_sender text, p_receiver text, p_receiving text, p_most int,
    p_messages bigint[], p_redrives bigint[], p_holds int[], p_counts int[], p_events text[])
  returns text[] language plpgsql ${FAST} as $$
  declare
    v_words text[] := '{}';
    v_word text;
    v_able boolean := false;
    v_patterns text[];
    v_waiting int;
    v_entry {schema}.delivery;
    v_stream int := (select g.stream from {schema}.grp g where g.id = p_grp);
  begin
    select a.state = 'live' and c.until > clock_timestamp() and c.instance = p_receiving, a.handles
      into v_able, v_patterns
      from {schema}.grp g join {schema}.stream s on s.id = g.stream
      join {schema}.announcement a
        on a.prefix = s.prefix and a.stream = s.name and a.grp = g.name and a.name = p_receiver
      join {schema}.live_consumer c on c.id = a.consumer
      where g.id = p_grp for update of a;
    select count(*) into v_waiting from {schema}.delivery d
      where d.grp = p_grp and d.consumer = p_receiver and d.handed;
    for i in 1 .. cardinality(p_messages) loop
      select * into v_entry from {schema}.delivery d
        where d.grp = p_grp and d.message = p_messages[i] and d.redrive = p_redrives[i] for update;
      v_word := case
        when not found or v_entry.record is not null then 'gone'
        when v_entry.free or v_entry.handed or v_entry.hold <> p_holds[i]
          or v_entry.consumer <> p_sender then 'lost'
        when v_entry.fields is null and not exists (
          select from {schema}.message m
          where m.stream = v_stream and m.id = p_messages[i]) then 'trimmed'
        when v_able is not true or not p_events[i] like any (v_patterns) then 'refused'
        when v_waiting >= p_most then 'full'
        else 'handed' end;
      if v_word = 'handed' then
        update {schema}.delivery d
          set consumer = p_receiver, handed = true, hold = d.hold + 1, attempt = p_counts[i],
            fresh_at = clock_timestamp()
          where d.grp = p_grp and d.message = p_messages[i] and d.redrive = p_redrives[i];
        v_waiting := v_waiting + 1;
      elsif v_word = 'trimmed' then
        delete from {schema}.delivery d
          where d.grp = p_grp and d.message = p_messages[i] and d.redrive = p_redrives[i];
      end if;
      v_words := v_words || v_word;
    end loop;
    return v_words;
  end $$`;

/** Statements that make the tables, indexes and functions. `{schema}` is the name of the schema. */
export const LIVE: readonly string[] = [
  ...TABLES,
  WRITE,
  ANNOUNCE,
  CHANGE,
  'create index delivery_handed on {schema}.delivery (grp, consumer, message) where handed',
  RECEIVES,
  HAND_OVER,
];
