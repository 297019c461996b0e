import { OWNED_READING } from './owned-reading.sql.js';
import { FAST } from './settings.js';
import { STREAM_LOCKS } from './stream-locks.sql.js';

/**
 * The consumers of a service of the load balancer, and the inputs that they handed over and that
 * their receivers have not counted yet. The locks are rows of the table `lease`, each with the number
 * of its input.
 */
const TABLES = [
  `create table {schema}.balancer_member (
    prefix text collate "C" not null,
    service text collate "C" not null,
    consumer text collate "C" not null,
    said text not null,
    seen_at timestamptz not null,
    primary key (prefix, service, consumer)
  ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`,
  `create table {schema}.handed_input (
    prefix text collate "C" not null,
    service text collate "C" not null,
    input bigint not null,
    token bigint not null,
    receiver text collate "C" not null,
    handed_at timestamptz not null,
    primary key (prefix, service, input)
  ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`,
  'create index lease_input on {schema}.lease (input) where input is not null',
];

/**
 * Announces a consumer of a service, and returns all consumers with what they were handed, as pairs
 * of input and token. Forgets a consumer after an hour, and a handed input after 10 s.
 */
const MEET = `create function {schema}.meet(
    p_prefix text, p_service text, p_me text, p_saying text, p_noted bigint[])
  returns table (consumer text, age float8, said text, handed json) language plpgsql as $$
  #variable_conflict use_column
  declare v_present timestamptz := clock_timestamp();
  begin
    delete from {schema}.handed_input h where h.prefix = p_prefix and h.service = p_service
      and (h.input = any (p_noted) or h.handed_at < v_present - interval '10 seconds');
    delete from {schema}.balancer_member m where m.prefix = p_prefix
      and m.service = p_service and m.seen_at < v_present - interval '1 hour';
    insert into {schema}.balancer_member (prefix, service, consumer, said, seen_at)
      values (p_prefix, p_service, p_me, p_saying, v_present)
      on conflict (prefix, service, consumer) do update set said = p_saying, seen_at = v_present;
    return query select m.consumer,
      greatest(0, 1000 * extract(epoch from v_present - m.seen_at))::float8, m.said,
      (select json_agg(json_build_array(h.input::text, h.token::text) order by h.input)
        from {schema}.handed_input h where h.prefix = p_prefix and h.service = p_service
          and h.receiver = m.consumer)
      from {schema}.balancer_member m
      where m.prefix = p_prefix and m.service = p_service order by m.consumer;
  end $$`;

/**
 * Makes inputs pending to this consumer where they are still pending to \`owners\`. An owner that had
 * locked the stream has lost it. Locks are taken before inputs, as everywhere.
 */
const ADOPT = `create function {schema}.adopt_inputs(
    p_inputs int, p_me text, p_ids bigint[], p_owners text[]) returns void language plpgsql as $$
  begin
    for i in 1 .. cardinality(p_ids) loop
      perform from {schema}.lease where input = p_ids[i] for update;
      update {schema}.delivery set consumer = p_me, fresh_at = clock_timestamp()
        where grp = p_inputs and message = p_ids[i] and redrive = 0 and consumer = p_owners[i];
      if found then perform {schema}.revoke_input(p_ids[i], p_me); end if;
    end loop;
  end $$`;

/** Removes a pending input, and the lock of its owner. Returns whether it was pending. */
const DISCARD = `create function {schema}.discard_input(p_inputs int, p_input bigint)
  returns boolean language plpgsql as $$
  begin
    perform from {schema}.lease where input = p_input for update;
    perform from {schema}.delivery where grp = p_inputs and message = p_input and redrive = 0
      and not free for update;
    if not found then return false; end if;
    perform {schema}.remove_input(p_inputs, p_input);
    perform {schema}.revoke_input(p_input, null);
    return true;
  end $$`;

/** Hands new inputs out to one consumer. A row without an id: the group does not exist any more. */
const PULL = `create function {schema}.pull_inputs(p_inputs int, p_me text, p_most int)
  returns table (id bigint, fields text) language sql ${FAST} as $$
  with new as (
    select d.message, d.redrive from {schema}.delivery d
    where d.grp = p_inputs and d.free and d.redrive = 0
    order by d.message limit p_most for update skip locked
  ), handed as (
    update {schema}.delivery d set free = false, delivered = true, consumer = p_me,
      attempt = 1, hold = d.hold + 1, fresh_at = clock_timestamp()
    from new where d.grp = p_inputs and d.message = new.message and d.redrive = 0
    returning d.message
  )
  select handed.message, m.fields from handed
  left join {schema}.message m on m.id = handed.message
    and m.stream = (select g.stream from {schema}.grp g where g.id = p_inputs)
  union all select null, null
    where not exists (select from {schema}.grp g where g.id = p_inputs and not g.deleted)
  order by message $$`;

/** What a load balancer needs. `{schema}` is the name of the schema. */
export const OWNERSHIP: readonly string[] = [
  ...TABLES,
  MEET,
  ...STREAM_LOCKS,
  ADOPT,
  DISCARD,
  PULL,
  ...OWNED_READING,
];
