/**
 * `completion`: keys that were handled (`owner` is null), and keys that an owner works on. `told` is
 * what the last claim was told. `inbox`: the notes of handlers with an inbox.
 */
export const COMPLETIONS: readonly string[] = [
  `create table {schema}.completion (
    key text collate "C" primary key,
    owner text,
    expires_at timestamptz not null,
    told text not null
  ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000)`,
  'create index completion_expiry on {schema}.completion (expires_at)',
  `create table {schema}.inbox (
    key text collate "C" primary key,
    run uuid not null,
    expires_at timestamptz not null
  ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000)`,
  'create index inbox_expiry on {schema}.inbox (expires_at)',
];
