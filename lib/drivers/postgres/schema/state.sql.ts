/**
 * The keys of the state store. A key whose time is over does not count, whether its row is there or
 * not. Every write of a row makes the one before it garbage for the vacuum: it runs early.
 */
export const STATE: readonly string[] = [
  `create table {schema}.state (
    key text collate "C" primary key,
    value text not null,
    expires_at timestamptz
  ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)`,
  'create index state_expiry on {schema}.state (expires_at) where expires_at is not null',
];
