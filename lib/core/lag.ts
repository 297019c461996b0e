/** How far a group is behind. `null`: the server does not know the value. */
export interface GroupLag {
  /** Name of the stream. */
  readonly stream: string;
  /** Name of the group. */
  readonly group: string;
  /** Number of entries in the stream. */
  readonly length: number;
  /** Number of entries not delivered yet. */
  readonly lag: number | null;
  /** Since the oldest entry not yet delivered was published, in milliseconds. 0 where there is none. */
  readonly timeLag: number;
  /** Number of entries that were delivered and not settled. */
  readonly pending: number;
  /** Since the oldest pending entry was published, in milliseconds. 0 where there is none. */
  readonly oldestPendingAge: number;
  /** Number of consumers that the server knows. `null`: it knows none by itself, as NATS. */
  readonly consumers: number | null;
  /** Where the stream has partitions, as on Kafka: each of them, in order. */
  readonly partitions?: readonly PartitionLag[];
}

/** How far a group is behind in one partition of a stream. */
export interface PartitionLag {
  /** The number of the partition, as a text. */
  readonly partition: string;
  /** Number of entries not delivered yet. */
  readonly lag: number;
  /** Number of entries that were delivered and not settled. */
  readonly pending: number;
}

export type LagSeverity = 'WARNING' | 'CRITICAL';

/** Emitted once when a group's lag exceeds a threshold, and once when it has recovered. */
export interface StreamLagExceeded {
  /** Tells these events apart from others. */
  readonly type: 'STREAM_LAG';
  /** Name of the stream. */
  readonly stream: string;
  /** Name of the group. */
  readonly consumerGroup: string;
  /**
   * Number of entries not delivered yet. 0 where the group is gone. `null`: not known, for a limit
   * in time.
   */
  readonly lag: number | null;
  /**
   * Age of the oldest message that is not settled, in milliseconds. Only for a limit in time
   * (`maxAge`).
   */
  readonly age?: number;
  /** `WARNING` or `CRITICAL`. */
  readonly severity: LagSeverity;
  /** The limit that was exceeded: entries, or milliseconds where there is an `age`. */
  readonly threshold: number;
  /** False: the lag exceeds the threshold now. True: it no longer does. */
  readonly recovered: boolean;
}
