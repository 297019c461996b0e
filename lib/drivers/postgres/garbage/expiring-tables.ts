/** A table whose rows are of no use once their time is over. */
export interface ExpiringTable {
  readonly table: string;
  /** A `timestamptz` with an index. A row without it stays. */
  readonly column: string;
  /** A row is kept for this time longer, as an interval of SQL. */
  readonly after?: string;
  /** Most rows that one statement deletes. Less for rows that others go with. @default 1000 */
  readonly atOnce?: number;
}

/** All tables that {@link GarbageCollector} keeps small. */
export const EXPIRING_TABLES: readonly ExpiringTable[] = [
  { table: 'state', column: 'expires_at' },
  { table: 'completion', column: 'expires_at' },
  { table: 'inbox', column: 'expires_at' },
  // The token is remembered, so that a lease that is acquired again gets a higher one.
  { table: 'lease', column: 'expires_at', after: '7 days' },
  // Steps and branches of a workflow go with it.
  { table: 'workflow', column: 'expires_at', atOnce: 20 },
  { table: 'published', column: 'expires_at' },
  // The client may live, and refresh its box a little later. Answers go with it.
  { table: 'reply_box', column: 'fresh_until', after: '1 minute', atOnce: 20 },
];
