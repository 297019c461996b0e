/**
 * Settings of the functions that run often. Without them the planner may read whole tables, or sort
 * what an index has in order. As part of a function they hold on any connection, also behind a
 * pooler. A plan that has to do what is switched off looks so expensive that it would be compiled
 * each time: hence no JIT.
 */
export const FAST = `set jit = off set enable_seqscan = off set enable_bitmapscan = off
  set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan`;

/** How long a step waits for a lock that publishers of the stream hold. The caller tries again. */
export const SHORT_WAIT = `set lock_timeout = '100ms'`;

/**
 * As {@link FAST}, for functions that join many rows that are in no table. They read a table by
 * `lateral (… offset 0)`, so that its index is the only way.
 */
export const INDEXED = `set enable_seqscan = off set enable_bitmapscan = off
  set jit = off set plan_cache_mode = force_generic_plan`;

/**
 * The first number of the lock of a stream: the 32 bits of the table's OID. Half of all OIDs are
 * greater than an int.
 * @param oid an expression
 */
export const lockClass = (oid: string): string =>
  `('x' || lpad(to_hex(${oid}::bigint), 8, '0'))::bit(32)::int`;
