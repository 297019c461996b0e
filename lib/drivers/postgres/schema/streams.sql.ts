import { FAST, lockClass } from './settings.js';

/**
 * Numbers of streams and groups begin at a random one. Where the schema was dropped and made again,
 * a number that a running process remembers then stands for nothing, and not for another stream.
 */
const randomStart = (table: string): string =>
  `select setval('{schema}.${table}_id_seq', 1 + (random() * 1000000000)::int)`;

/**
 * Ids of messages begin at the time, in microseconds. Where the schema was dropped and made again, no
 * id comes twice: a store elsewhere may know that the message of an id is done.
 */
const ID_AFTER_ALL_BEFORE = `select setval('{schema}.message_id',
  (extract(epoch from clock_timestamp()) * 1000000)::bigint)`;

const TABLES = [
  `create table {schema}.stream (
    id int generated always as identity primary key,
    prefix text collate "C" not null,
    name text collate "C" not null,
    unique (prefix, name)
  ) with (fillfactor = 70)`,
  /** What was deleted of each stream: how many messages, and the highest id of them. */
  `create table {schema}.trimmed (
    stream int primary key,
    messages bigint not null,
    upto bigint not null
  ) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500)`,
  /**
   * The group begins behind the id `position`. `deleted`: on request, and no consumer creates it
   * again. A group that is created after that has a row and a number of its own.
   */
  `create table {schema}.grp (
    id int generated always as identity primary key,
    stream int not null references {schema}.stream on delete cascade,
    name text collate "C" not null,
    position bigint not null default 0,
    deleted boolean not null default false,
    unique (stream, name)
  )`,
  randomStart('stream'),
  randomStart('grp'),
  'create sequence {schema}.message_id',
  ID_AFTER_ALL_BEFORE,
  'create sequence {schema}.redrive_number',
  /** `fields` is a JSON list, `published_at` in milliseconds since the epoch. */
  `create table {schema}.message (
    stream int not null,
    id bigint not null,
    fields text not null,
    published_at bigint not null,
    primary key (stream, id)
  ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000)`,
];

const NOW_MS = `create function {schema}.now_ms() returns bigint language sql volatile as $$
  select floor(extract(epoch from clock_timestamp()) * 1000)::bigint $$`;

/**
 * Takes the lock of publishers for these streams, until the transaction ends. No group of these
 * streams is created, deleted or moved meanwhile.
 *
 * A transaction with one snapshot for all its statements may not see a group that was created since.
 * Such a transaction locks the row of the stream, too, which creating a group updates: so it fails
 * with a serialization failure in place of leaving the group out. The row comes after the lock, as in
 * `lock_stream`: in the other order publishers and groups would wait for each other.
 */
const LOCK_PUBLISHING = `create function {schema}.lock_publishing(p_streams int[]) returns void
  language plpgsql ${FAST} as $$
  declare
    v_streams int[] := array(select distinct s from unnest(p_streams) s order by s);
    v_class int;
    v_known int;
    v_one_snapshot boolean := current_setting('transaction_isolation') like any ('{rep%,ser%}');
  begin
    select ${lockClass('min(tableoid::bigint)')}, count(*) into v_class, v_known
      from {schema}.stream where id = any (v_streams);
    if v_known < cardinality(v_streams) then
      if v_one_snapshot then
        raise exception 'a stream was created after this transaction began'
          using errcode = 'serialization_failure';
      end if;
      raise exception 'there is no such stream' using errcode = 'RSU01';
    end if;
    perform pg_advisory_xact_lock_shared(v_class, s) from unnest(v_streams) s;
    if v_one_snapshot then
      perform from {schema}.stream where id = any (v_streams) for share;
    end if;
  end $$`;

/**
 * Appends messages, each to its stream, in the order given. Returns one id for each. Where `p_keys`
 * has an idempotency key that stands for an earlier message, the id of that one. A key is remembered
 * for its window, in milliseconds.
 */
const PUBLISH = `create function {schema}.publish(
    p_streams int[], p_fields text[], p_keys text[] default null, p_windows bigint[] default null)
  returns text[] language plpgsql ${FAST} as $$
  declare
    v_ids bigint[];
    v_known text[];
    v_now bigint;
  begin
    perform {schema}.lock_publishing(p_streams);
    v_ids := array(select nextval('{schema}.message_id')
      from generate_series(1, cardinality(p_streams)));
    v_now := {schema}.now_ms();
    if p_keys is not null then
      v_known := {schema}.claim_keys(p_streams, p_keys, v_ids::text[],
        array(select v_now + w.ms from unnest(p_windows) with ordinality as w(ms, at) order by at));
    end if;
    insert into {schema}.message (stream, id, fields, published_at)
      select e.stream, e.id, e.fields, v_now
      from unnest(p_streams, v_ids, p_fields, v_known) as e(stream, id, fields, known)
      where e.known is null;
    insert into {schema}.delivery (grp, message)
      select g.id, e.id
      from unnest(p_streams, v_ids, v_known) as e(stream, id, known)
      join {schema}.grp g on g.stream = e.stream and not g.deleted and g.position < e.id
      where e.known is null;
    if v_known is null then return v_ids::text[]; end if;
    return array(select coalesce(e.known, e.id::text)
      from unnest(v_ids, v_known) with ordinality as e(id, known, at) order by e.at);
  end $$`;

/** Streams, groups, and the messages in them. `{schema}` is the name of the schema. */
export const STREAMS: readonly string[] = [...TABLES, NOW_MS, LOCK_PUBLISHING, PUBLISH];
