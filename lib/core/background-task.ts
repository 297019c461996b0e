/**
 * What fails in the event `worker-error`. There are no others, so the name may be a label of a metric.
 */
export type BackgroundTask =
  /** Pulling entries from the source. */
  | 'fetcher'
  /**
   * Sending settlements to the source. They are sent again, with backoff from 100 ms to 5 s; the
   * handlers do not run again. `settling` names one of the messages: `stream`, `group`, `id`, `handler`.
   */
  | 'settler'
  /**
   * Recording how far a consumer has come. Raised once until records can be written again; tried again
   * every `commits.interval`. See docs/state.md.
   */
  | 'committer'
  /** Beginning again under another name, because another consumer has taken that of this one. Tried again. */
  | 'consumer'
  /** Extending leases. Tried again after 100 ms. */
  | 'heartbeat'
  /** A read of answers on Redis. */
  | 'reply reader'
  /** A read of streams on a server. */
  | 'reader'
  /**
   * The periodic look at the streams on Redis. On NATS: claiming entries that were delivered again,
   * which wait meanwhile; raised once a minute.
   */
  | 'reclaimer'
  /** Promoting delayed messages. Tried again with backoff from 100 ms to 5 s; nothing is lost. */
  | 'scheduler'
  /** Looking for own pending entries after a lost reply. The next look finds them too. */
  | 'adoption'
  /** Taking over pending entries of a stream of ordered handlers. Nothing new is read before. */
  | 'takeover'
  /** Extending the lease of such a stream. */
  | 'lease holder'
  /** Acquiring the lease, or beginning to read with it. */
  | 'ordering'
  /** Reading the outbox, or noting what was published. Tried again with backoff from 100 ms to 5 s; nothing is lost. */
  | 'outbox relay'
  /** Deleting entries. */
  | 'retention'
  /** Reading lag. */
  | 'lag monitor'
  /** Reading what the metrics of groups need. Tried again at the next interval. */
  | 'metrics'
  /** Recording steps of workflows. Tried again with backoff from 100 ms to 5 s, and once more at the end; no step is held up. */
  | 'workflow-recorder'
  /** Fetching messages that other consumers have handed over to this one. */
  | 'hand-over receiver'
  /** Announcing this consumer, reading what others have announced, or handing messages over. */
  | 'registry of consumers'
  /** Keeping claims fresh, giving them back, or noting completions. */
  | 'dedupe'
  /** Keeping the locks of load balanced streams. Tried again by the next heartbeat. */
  | 'lock heartbeat'
  /** Completing a load balanced stream after its last message. Tried again with backoff from 50 ms to 2 s. */
  | 'completion of a stream'
  /** Reading the streams that this consumer of a load balancer owns, on PostgreSQL. Tried again. */
  | 'reader of owned streams'
  /**
   * Owning the streams of `service`, or giving them back at a shutdown: their locks expire by
   * themselves.
   */
  | 'load balancer';
