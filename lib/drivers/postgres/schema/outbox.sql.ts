/** Number of partitions of the outbox. Fixed, since it decides the partition of a key. */
export const PARTITIONS = 16;

const COLUMNS = `key text not null,
  stream text not null,
  fields text not null,
  idempotency_key text,
  due_at bigint,
  wait_replicas int,
  name uuid not null default gen_random_uuid(),
  written_at timestamptz not null default clock_timestamp(),
  refusals int not null default 0,
  error text`;

/** Statements that make the tables, indexes and functions. `{schema}` is the name of the schema. */
export const OUTBOX: readonly string[] = [
  `create table {schema}.outbox (
    partition smallint not null,
    id bigint generated always as identity,
    ${COLUMNS},
    retry_at timestamptz,
    primary key (partition, id)
  ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000)`,
  `create index outbox_retry on {schema}.outbox (partition, retry_at) where retry_at is not null`,
  `create table {schema}.outbox_dead (
    id bigint primary key,
    ${COLUMNS},
    died_at timestamptz not null default clock_timestamp()
  )`,
  // doubt_*: the ids that a relay was given, and since when, until it is known what became of them.
  `create table {schema}.outbox_partition (
    partition smallint primary key,
    relay text,
    token bigint not null default 0,
    expires_at timestamptz,
    doubt_since timestamptz,
    doubt_from bigint,
    doubt_to bigint
  ) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500)`,
  `insert into {schema}.outbox_partition (partition) select generate_series(0, ${PARTITIONS - 1})`,
  // Keeps the partitions of a relay, and takes free ones. Writes only where there is a need.
  `create function {schema}.outbox_hold(p_relay text, p_lease int)
    returns table (partition smallint, token text, waiting boolean)
    language plpgsql set enable_seqscan = off set enable_bitmapscan = off as $$
  #variable_conflict use_column
  declare
    v_lease interval := make_interval(secs => p_lease / 1000.0);
  begin
    update {schema}.outbox_partition set expires_at = clock_timestamp() + v_lease
      where relay = p_relay and expires_at < clock_timestamp() + v_lease * 0.6;
    update {schema}.outbox_partition part
      set relay = p_relay, token = part.token + 1, expires_at = clock_timestamp() + v_lease
      from (select partition from {schema}.outbox_partition
        where relay is null or (relay <> p_relay and expires_at < clock_timestamp())
        for update skip locked) free
      where part.partition = free.partition;
    return query select part.partition, part.token::text,
        exists (select from {schema}.outbox where outbox.partition = part.partition)
      from {schema}.outbox_partition part where part.relay = p_relay;
  end $$`,
  // Deletes what was published, and returns the next messages as JSON. Null: another relay has the
  // partition. The lock on the row of the partition is the fence. A plan for the values of
  // each call looks up waiting keys by a hash, a plan for any values compares each row with each key.
  `create function {schema}.outbox_next(p_partition smallint, p_relay text, p_token bigint,
      p_published bigint[], p_certain boolean, p_limit int, p_bytes int, p_lease int)
    returns json
    language plpgsql set enable_seqscan = off set enable_bitmapscan = off
    set jit = off set plan_cache_mode = force_custom_plan as $$
  declare
    v_part {schema}.outbox_partition;
    v_waits text[];
    v_retry timestamptz;
    v_rows json;
    v_from bigint;
    v_to bigint;
    v_doubt double precision := 0;
  begin
    select * into v_part from {schema}.outbox_partition
      where partition = p_partition and relay = p_relay and token = p_token for update;
    if not found then return null; end if;
    delete from {schema}.outbox where partition = p_partition and id = any(p_published);
    if p_certain then v_part.doubt_since := null; end if;
    select array_agg(distinct key), min(retry_at) into v_waits, v_retry from {schema}.outbox
      where partition = p_partition and retry_at is not null and retry_at > clock_timestamp();
    select json_agg(json_build_array(id::text, key, stream, fields, idempotency_key, due_at,
        wait_replicas, name, refusals) order by id), min(id), max(id) into v_rows, v_from, v_to
      from (select head.*, sum(octet_length(fields)) over (order by id) - octet_length(fields) as before
        from (select * from {schema}.outbox
          where partition = p_partition and (v_waits is null or key <> all(v_waits))
          order by partition, id limit p_limit) head) sized
      where before < p_bytes;
    if v_part.doubt_since is not null and v_from <= v_part.doubt_to and v_to >= v_part.doubt_from then
      v_doubt := extract(epoch from clock_timestamp() - v_part.doubt_since) * 1000;
    end if;
    update {schema}.outbox_partition set
        expires_at = clock_timestamp() + make_interval(secs => p_lease / 1000.0),
        doubt_since = coalesce(v_part.doubt_since, case when v_from is not null then clock_timestamp() end),
        doubt_from = case when v_part.doubt_since is null then v_from else least(doubt_from, v_from) end,
        doubt_to = case when v_part.doubt_since is null then v_to else greatest(doubt_to, v_to) end
      where partition = p_partition;
    return json_build_object('rows', coalesce(v_rows, '[]'::json), 'doubt', v_doubt,
      'retry', extract(epoch from v_retry - clock_timestamp()) * 1000);
  end $$`,
  // Notes refusals: [{ id, error, wait }], or moves messages without wait to the dead rows.
  `create function {schema}.outbox_refuse(p_partition smallint, p_relay text, p_token bigint, p_refused json)
    returns boolean language plpgsql as $$
  begin
    perform from {schema}.outbox_partition
      where partition = p_partition and relay = p_relay and token = p_token for update;
    if not found then return false; end if;
    update {schema}.outbox item set refusals = item.refusals + 1, error = given.error,
        retry_at = clock_timestamp() + make_interval(secs => given.wait / 1000.0)
      from json_to_recordset(p_refused) given(id bigint, error text, wait double precision)
      where item.partition = p_partition and item.id = given.id and given.wait is not null;
    with dead as (delete from {schema}.outbox item
      using json_to_recordset(p_refused) given(id bigint, error text, wait double precision)
      where item.partition = p_partition and item.id = given.id and given.wait is null
      returning item.*, given.error as last_error)
    insert into {schema}.outbox_dead (id, key, stream, fields, idempotency_key, due_at, wait_replicas,
        name, written_at, refusals, error)
      select id, key, stream, fields, idempotency_key, due_at, wait_replicas, name, written_at,
        refusals + 1, last_error from dead;
    return true;
  end $$`,
];
