/** How far a group is behind. `null`: the server does not know it. */
export interface GroupLag {
  readonly stream: string;
  readonly group: string;
  /** Entries that the stream holds. */
  readonly length: number;
  /** Entries not yet delivered. */
  readonly lag: number | null;
  /** Age of the oldest entry not yet delivered, by the time in its id, ms. 0 where there is none. */
  readonly timeLag: number;
  /** Delivered and not settled. */
  readonly pending: number;
  /** Age of the oldest pending entry, by the time in its id, ms. 0 where there is none. */
  readonly oldestPendingAge: number;
  readonly consumers: number;
}

export type LagSeverity = 'WARNING' | 'CRITICAL';

/** Raised once when a group's lag goes beyond a threshold, and once when it has recovered. */
export interface StreamLagExceeded {
  readonly type: 'STREAM_LAG';
  readonly stream: string;
  readonly consumerGroup: string;
  /** Entries not yet delivered. 0 where the group is gone. */
  readonly lag: number;
  readonly severity: LagSeverity;
  /** The limit that it went beyond. */
  readonly threshold: number;
  /** False: it is beyond the threshold now. True: it no longer is. */
  readonly recovered: boolean;
}

/** Limits for groups of streams. Each that matches counts for itself. */
export interface LagThreshold {
  /** Names; `*` matches any run of characters. Named ones are watched wherever they are consumed. @default '*', all streams consumed here */
  readonly streams?: string | readonly string[];
  /** Names; `*` matches any run of characters. @default '*' */
  readonly groups?: string | readonly string[];
  /** A lag of more entries is a WARNING. @default none */
  readonly warning?: number;
  /** A lag of more entries is CRITICAL. @default none */
  readonly critical?: number;
}

/** The option `lag`. */
export interface LagOptions {
  /** How often lag is read while somebody wants to know, ms. @default 5000 */
  readonly interval?: number;
  /** A threshold has recovered when the lag is at this share of it or below. @default 0.8 */
  readonly recovery?: number;
  /** @default none */
  readonly thresholds?: readonly LagThreshold[];
}
