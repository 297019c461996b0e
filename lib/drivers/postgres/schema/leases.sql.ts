/**
 * Leases, and locks of streams that a load balancer owns. The token is the fence: a settlement under
 * a guard takes the row `for share`, so that no other owner acquires the lease before the settlement
 * is done. A strict lease holds until `expires_at`, any other until it is acquired again.
 */
export const LEASES: readonly string[] = [
  `create table {schema}.lease (
    key text collate "C" primary key,
    owner text,
    token bigint not null,
    expires_at timestamptz not null,
    strict boolean not null default false,
    input bigint
  ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`,
  'create index lease_expiry on {schema}.lease (expires_at)',
];
