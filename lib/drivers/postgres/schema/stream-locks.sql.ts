import { FAST } from './settings.js';

/** A token that is higher than all before. */
const NEXT_TOKEN = `create function {schema}.next_token(token bigint) returns bigint
  language sql volatile as $$
  select greatest(token + 1, (1000000 * extract(epoch from clock_timestamp()))::bigint) $$`;

/** Locks a stream for a consumer, and makes the input pending to it. Returns what became of it. */
const TAKE = `create function {schema}.take_stream(
    p_key text, p_me text, p_inputs int, p_input bigint, p_ttl int, p_ours boolean)
  returns table (word text, token bigint) language plpgsql as $$
  #variable_conflict use_column
  declare
    v_lock {schema}.lease;
    v_holder text;
  begin
    insert into {schema}.lease (key, token, expires_at, strict)
      values (p_key, 0, clock_timestamp(), true) on conflict (key) do nothing;
    select * into v_lock from {schema}.lease where key = p_key for update;
    if v_lock.owner is not null and v_lock.expires_at > clock_timestamp() then
      return query select case v_lock.input when p_input then 'held' else 'busy' end, null::bigint;
      return;
    end if;
    select d.consumer into v_holder from {schema}.delivery d
      where d.grp = p_inputs and d.message = p_input and d.redrive = 0 for update;
    if v_holder is null or (p_ours and v_holder <> p_me) then
      delete from {schema}.lease where key = p_key and token = 0;
      return query select 'gone', null::bigint;
      return;
    end if;
    update {schema}.delivery d set consumer = p_me, fresh_at = clock_timestamp()
      where d.grp = p_inputs and d.message = p_input and d.redrive = 0;
    return query update {schema}.lease set owner = p_me, input = p_input,
        token = {schema}.next_token(v_lock.token),
        expires_at = clock_timestamp() + p_ttl * interval '1 millisecond'
      where key = p_key returning 'taken', token;
  end $$`;

/** Any consumer may take the stream at once. The row goes later: until then it keeps its token. */
const FREE = `create function {schema}.free_stream(p_key text, p_token bigint) returns void
  language sql as $$
  update {schema}.lease set owner = null, input = null, expires_at = clock_timestamp(),
    token = p_token where key = p_key $$`;

/**
 * Whose the lock is. \`mine\`: it is this consumer's under this token, or was and no other consumer has
 * taken the stream. \`gone\`: the input is not pending any more; where the lock is still there, it is
 * freed. Locks both rows.
 */
const WHOSE = `create function {schema}.whose_stream(
    p_key text, p_me text, p_token bigint, p_inputs int, p_input bigint)
  returns text language plpgsql as $$
  declare
    v_mine boolean;
    v_holder text;
  begin
    select owner = p_me and token = p_token and input = p_input into v_mine
      from {schema}.lease where key = p_key for update;
    select consumer into v_holder from {schema}.delivery
      where grp = p_inputs and message = p_input and redrive = 0 for update;
    if v_holder is null then
      if v_mine then perform {schema}.free_stream(p_key, p_token); end if;
      return 'gone';
    end if;
    return case when v_mine and v_holder = p_me then 'mine' else 'lost' end;
  end $$`;

/** Whether another consumer has entries of a group pending that are not on hold. */
const OTHERS = `create function {schema}.others_have(p_data int, p_me text) returns boolean
  language sql stable as $$
  select exists (select from {schema}.delivery d where d.grp = p_data and d.redrive = 0
    and not d.free and d.consumer <> p_me and d.record is null) $$`;

const REMOVE = `create function {schema}.remove_input(p_inputs int, p_input bigint) returns void
  language sql as $$
  delete from {schema}.delivery where grp = p_inputs and message = p_input;
  delete from {schema}.message m using {schema}.grp g
    where g.id = p_inputs and m.stream = g.stream and m.id = p_input $$`;

/** Acknowledges and deletes the input of a finished stream. `data`: the group that reads the stream. */
const COMPLETE = `create function {schema}.complete_stream(
    p_key text, p_me text, p_token bigint, p_inputs int, p_input bigint, p_data int)
  returns text language plpgsql as $$
  declare v_word text := {schema}.whose_stream(p_key, p_me, p_token, p_inputs, p_input);
  begin
    if v_word <> 'mine' then return v_word; end if;
    if {schema}.others_have(p_data, p_me) then return 'unsettled'; end if;
    perform {schema}.remove_input(p_inputs, p_input);
    perform {schema}.free_stream(p_key, p_token);
    return 'settled';
  end $$`;

/**
 * Gives a stream back. \`counted\`: the input counts owners that died, and nothing was done; with
 * \`removing\` the input is removed instead.
 */
const RELEASE = `create function {schema}.release_stream(
    p_key text, p_me text, p_token bigint, p_inputs int, p_input bigint, p_removing boolean)
  returns text language plpgsql as $$
  declare v_word text := {schema}.whose_stream(p_key, p_me, p_token, p_inputs, p_input);
  begin
    if v_word <> 'mine' then return v_word; end if;
    if p_removing then
      perform {schema}.remove_input(p_inputs, p_input);
    elsif exists (select from {schema}.message m join {schema}.grp g on g.stream = m.stream
        where g.id = p_inputs and m.id = p_input and m.fields like '%"_retry_count"%') then
      return 'counted';
    else
      update {schema}.delivery set fresh_at = clock_timestamp() - interval '1 day'
        where grp = p_inputs and message = p_input and redrive = 0;
    end if;
    perform {schema}.free_stream(p_key, {schema}.next_token(p_token));
    return 'settled';
  end $$`;

/** Makes another consumer the owner, where it is as this one last saw it. */
const HAND = `create function {schema}.hand_stream(
    p_key text, p_me text, p_token bigint, p_inputs int, p_input bigint, p_ttl int,
    p_prefix text, p_service text, p_receiver text, p_saying text, p_count int)
  returns text language plpgsql as $$
  declare
    v_word text := {schema}.whose_stream(p_key, p_me, p_token, p_inputs, p_input);
    v_next bigint := {schema}.next_token(p_token);
  begin
    if v_word <> 'mine' then return v_word; end if;
    perform from {schema}.balancer_member m where m.prefix = p_prefix and m.service = p_service
      and m.consumer = p_receiver and m.said = p_saying for update;
    if not found or p_count <> (select count(*) from {schema}.handed_input h
        where h.prefix = p_prefix and h.service = p_service and h.receiver = p_receiver
          and h.handed_at >= clock_timestamp() - interval '10 seconds') then
      return 'stale';
    end if;
    update {schema}.delivery set consumer = p_receiver, fresh_at = clock_timestamp()
      where grp = p_inputs and message = p_input and redrive = 0;
    update {schema}.lease set owner = p_receiver, token = v_next,
      expires_at = clock_timestamp() + p_ttl * interval '1 millisecond' where key = p_key;
    insert into {schema}.handed_input as h (prefix, service, input, token, receiver, handed_at)
      values (p_prefix, p_service, p_input, v_next, p_receiver, clock_timestamp())
      on conflict (prefix, service, input) do update set token = excluded.token,
        receiver = excluded.receiver, handed_at = excluded.handed_at;
    return 'settled';
  end $$`;

/** Takes the lock of an input away from every consumer but this one. */
const REVOKE = `create function {schema}.revoke_input(p_input bigint, p_me text) returns void
  language sql as $$
  update {schema}.lease set owner = null, input = null, expires_at = clock_timestamp(),
    token = {schema}.next_token(token)
  where input = p_input and owner is distinct from p_me $$`;

/**
 * Acknowledges entries of owned streams, each while this consumer owns its stream. Returns one word
 * for each, in order: `settled`, `lost`, or `completed` where the stream was completed in the same
 * step.
 * @param p_inputs the number of the group of inputs, and `p_ids` the inputs of the streams that are
 * finished with these entries. Null: the stream goes on
 */
const ACKNOWLEDGE = `create function {schema}.acknowledge_owned(
    p_me text, p_grps int[], p_messages bigint[], p_redrives bigint[], p_keys text[],
    p_tokens bigint[], p_completed text[], p_ttls bigint[], p_inputs int, p_ids bigint[])
  returns text[] language plpgsql ${FAST} as $$
  declare
    v_words text[] := array_fill('lost'::text, array[cardinality(p_grps)]);
    v_word text;
    v_at int;
  begin
    for v_at in select at from unnest(p_keys, p_ids) with ordinality as f(key, id, at)
        where f.id is not null order by f.key loop
      v_word := {schema}.complete_stream(
        p_keys[v_at], p_me, p_tokens[v_at], p_inputs, p_ids[v_at], p_grps[v_at]);
      if v_word = 'settled' or (v_word = 'gone' and not exists (select from {schema}.delivery d
          where d.message = p_messages[v_at] and d.grp = p_grps[v_at]
            and d.redrive = p_redrives[v_at])) then
        v_words[v_at] := 'completed';
      end if;
    end loop;
    for v_at in select a.at from unnest(p_keys, p_tokens) with ordinality as a(key, token, at)
        join {schema}.lease l on l.key = a.key and l.token = a.token
        where l.owner = p_me and l.expires_at > clock_timestamp()
        order by l.key for share of l loop
      v_words[v_at] := 'settled';
    end loop;
    delete from {schema}.delivery d
      using unnest(p_grps, p_messages, p_redrives, v_words) as e(grp, message, redrive, word)
      where d.message = e.message and d.grp = e.grp and d.redrive = e.redrive and e.word <> 'lost';
    if p_completed is not null then
      perform {schema}.complete_keys(
        array(select c.key from unnest(p_completed, v_words) with ordinality as c(key, word, at)
          where c.word <> 'lost' order by c.at),
        array(select c.ttl from unnest(p_ttls, v_words) with ordinality as c(ttl, word, at)
          where c.word <> 'lost' order by c.at));
    end if;
    return v_words;
  end $$`;

/** Locks of streams that a load balancer shares out. `{schema}` is the name of the schema. */
export const STREAM_LOCKS: readonly string[] = [
  NEXT_TOKEN,
  TAKE,
  FREE,
  WHOSE,
  OTHERS,
  REMOVE,
  COMPLETE,
  RELEASE,
  HAND,
  REVOKE,
  ACKNOWLEDGE,
];
