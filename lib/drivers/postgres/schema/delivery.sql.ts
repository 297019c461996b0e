import { CLAIMING } from './claiming.sql.js';
import { GROUPS } from './groups.sql.js';
import { RUNS } from './runs.sql.js';
import { SETTLING } from './settling.sql.js';
import { TAKING_OVER } from './taking-over.sql.js';

const TABLES = [
  /**
   * One row for each group and message until the group has settled it. The columns:
   * - `redrive`: 0, or the number of the redrive: such a row has its own `fields` and `published_at`,
   *   and where its id is of another technology an `origin`.
   * - `free`: a consumer may claim it. With a `consumer`, that one has given it to others
   *   (`elsewhere`), or the group was moved back while that one has it.
   * - `delivered`: it was handed out before.
   * - `hold`: rises each time it is handed out. A settlement names it, so that a lease that was lost
   *   settles nothing.
   * - `attempt`: runs that were counted.
   * - `fresh_at`: when it was handed out or kept fresh.
   * - `handed`: it waits for its `consumer`, to which another consumer has handed it.
   * - `trimmed`: its consumer was told that its data is gone.
   * - `record`: it is on hold, with the record of its dead letter.
   */
  `create table {schema}.delivery (
    message bigint not null,
    redrive bigint not null default 0,
    grp int not null,
    hold int not null default 0,
    attempt int not null default 0,
    free boolean not null default true,
    delivered boolean not null default false,
    elsewhere boolean not null default false,
    handed boolean not null default false,
    trimmed boolean not null default false,
    fresh_at timestamptz,
    published_at bigint,
    consumer text collate "C",
    origin text,
    fields text,
    record text,
    primary key (message, grp, redrive)
  ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_analyze_scale_factor = 0.2, autovacuum_analyze_threshold = 50000)`,
  `create index delivery_free on {schema}.delivery (grp, message) where free and redrive = 0`,
  `create index delivery_redriven on {schema}.delivery (grp, redrive) where free and redrive > 0`,
  `create index delivery_pending on {schema}.delivery (grp, message)
    where not free and record is null`,
  `create index delivery_held on {schema}.delivery (grp, redrive, message)
    where record is not null`,
  `create index delivery_offered on {schema}.delivery (grp, consumer) where elsewhere`,
  /**
   * The consumers of a group. `got_at`: when it was last handed something. `taken`: how many entries
   * others have taken over from it since it was last seen.
   */
  `create table {schema}.member (
    grp int not null,
    consumer text collate "C" not null,
    seen_at timestamptz not null,
    got_at timestamptz,
    taken int not null default 0,
    primary key (grp, consumer)
  ) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`,
];

/**
 * Whether all of these guards hold: each is a row of `lease` with this token. Nothing changes them
 * before the transaction ends.
 */
const GUARDS_HOLD = `create function {schema}.guards_hold(p_keys text[], p_tokens bigint[])
  returns boolean language plpgsql as $$
  declare v_held int;
  begin
    select count(*) into v_held from (
      select from {schema}.lease l
      join unnest(p_keys, p_tokens) as g(key, token) on l.key = g.key and l.token = g.token
      where not l.strict or l.expires_at > clock_timestamp()
      for share of l) held;
    return v_held = cardinality(p_keys);
  end $$`;

/** What groups have to settle. `{schema}` is the name of the schema. */
export const DELIVERY: readonly string[] = [
  ...TABLES,
  GUARDS_HOLD,
  ...CLAIMING,
  ...TAKING_OVER,
  ...RUNS,
  ...SETTLING,
  ...GROUPS,
];
