/** How far a group is behind. `null`: the server does not know it. */
export interface GroupLag {
  readonly stream: string;
  readonly group: string;
  /** Entries that the stream holds. */
  readonly length: number;
  /** Entries not yet delivered. */
  readonly lag: number | null;
  /** Since the oldest entry not yet delivered was published, in milliseconds. 0 where there is none. */
  readonly timeLag: number;
  /** Delivered and not settled. */
  readonly pending: number;
  /** Since the oldest pending entry was published, in milliseconds. 0 where there is none. */
  readonly oldestPendingAge: number;
  readonly consumers: number;
}

export type LagSeverity = 'WARNING' | 'CRITICAL';

/** Raised once when a group's lag goes beyond a threshold, and once when it has recovered. */
export interface StreamLagExceeded {
  readonly type: 'STREAM_LAG';
  readonly stream: string;
  readonly consumerGroup: string;
  /** Entries not yet delivered. 0 where the group is gone. `null`: not known, for a limit in time alone. */
  readonly lag: number | null;
  /** For a limit in time (`maxAge`) alone: age of the oldest message that is not settled, in milliseconds. */
  readonly age?: number;
  readonly severity: LagSeverity;
  /** The limit that it went beyond: entries, or milliseconds where there is an `age`. */
  readonly threshold: number;
  /** False: it is beyond the threshold now. True: it no longer is. */
  readonly recovered: boolean;
}
