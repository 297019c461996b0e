/** How much a group may have to do when a message is published. */
export interface MaxLag {
  /** Entries not yet delivered. */
  readonly lag: number;
  /** The groups that count, whether or not anybody works for them. */
  readonly groups: readonly string[];
}

/** What may be said of a publication, so that producers do not outrun consumers. */
export interface BackpressureOptions {
  /**
   * Publishes only while the slowest group of the stream has no more entries than that still to be
   * delivered. A number looks at groups with live consumers: a group that nobody works for holds up
   * nobody. A lag that is not known does not either. @default no limit
   */
  readonly maxLag?: number | MaxLag;
  /** What to do while it is more: `'wait'`, or fail with BackpressureError. @default 'wait' */
  readonly onBackpressure?: 'wait' | 'error';
  /** Longest wait, ms; then BackpressureError. @default 30000 */
  readonly timeout?: number;
}
