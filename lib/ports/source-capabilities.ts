/**
 * What a source can do by itself. The engine does the rest, or refuses it at start-up. A source
 * states each of them, and claims nothing that only sometimes holds.
 */
export interface SourceCapabilities {
  /** Short name of the technology, for logs and errors: `redis`, `memory`, … */
  readonly technology: string;
  /**
   * True: after `settle` with a retry the source hands the entry out again by itself, when the
   * delay has passed. False: the engine parks the lease, keeps it fresh, and calls `begin` when it
   * is due.
   */
  readonly redelivers: boolean;
  /**
   * What a consumer holds.
   * - `entry`: each entry by itself. It can be fenced, kept fresh, settled, released and taken over
   *   apart from all others.
   * - `partition`: all entries of a partition, which has one consumer of the group at a time. The
   *   fence is that of the partition: `begin`, `extend` and `settle` return `lost` once it has moved.
   *   No other consumer takes over a single entry, and `leaves` is false. A released entry comes
   *   again to the consumer that has the partition then, which may be the same one. Entries come in
   *   order per partition only. Leases have a `partition`.
   */
  readonly holds: 'entry' | 'partition';
  /** The settlement `leave` is there: an entry can stay pending while others are settled. */
  readonly leaves: boolean;
  /** Released entries come again in the order of their stream, before those behind them. */
  readonly keepsReleasedOrder: boolean;
  /**
   * - `at-least-once`: an entry that was handed out and not settled comes again.
   * - `at-most-once`: an entry may be lost with the process that was handed it.
   */
  readonly delivery: 'at-least-once' | 'at-most-once';
  /**
   * What remembers how far a group has come.
   * - `source`: the source does.
   * - `engine`: the source does not. The engine keeps it in the state store, and passes it in
   *   `SubscribeOptions.positions`.
   * - `none`: nothing does, because the source keeps no entries. A group gets what is published while
   *   one of its consumers reads. `startId` has no effect.
   */
  readonly positions: 'source' | 'engine' | 'none';
  /**
   * Most bytes of one message, payload and envelope together. The engine's `maxPayloadBytes` is
   * bounded by it at start-up. Undefined: the source has no bound that an application would meet.
   */
  readonly maxPayload?: number;
  /** The acknowledgement and the messages that it publishes are one atomic step. */
  readonly atomicPublish: boolean;
  /** The dead letter and the acknowledgement are one atomic step. */
  readonly atomicDeadLetter: boolean;
  /** The server counts attempts, so they survive the death of every process. */
  readonly durableAttempts: boolean;
  /**
   * `extend` keeps an entry from being handed to other consumers. False: a fixed deadline applies.
   */
  readonly extends: boolean;
  /**
   * An entry with an idempotency key is published once.
   * - `true`: for the window that the entry asks for.
   * - `native`: for a window of the server's own, per stream. That of the entry is not heeded.
   * - `false`: the engine refuses such entries.
   */
  readonly idempotentPublish: boolean | 'native';
  /** Publishing can wait until replicas have the entry: `OutgoingEntry.waitReplicas`. */
  readonly replicatedPublish?: boolean;
  /**
   * Streams have partitions. Publishing heeds `OutgoingEntry.key` and `partition`, and leases have the
   * key and the partition.
   */
  readonly partitionedPublish?: boolean;
}
