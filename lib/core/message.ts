/** Texts beside a payload, by name, for example trace headers. */
export type Metadata = Readonly<Record<string, string>>;

/**
 * A published message, as a handler sees it.
 *
 * @typeParam T the payload
 * @typeParam E the event type
 */
export interface Message<T = unknown, E extends string = string> {
  /** Id from the source, unique within the stream. On Redis `<ms>-<sequence>`. */
  readonly id: string;
  /** The stream in which it was published. */
  readonly stream: string;
  /** What has happened, such as `order.paid`. */
  readonly eventType: E;
  /** What the producer published. */
  readonly payload: T;
  /** Texts that travel beside the payload, for example trace headers. */
  readonly metadata: Metadata;
  /** Time of publication, ISO 8601. */
  readonly timestamp: string;
}

/** A message before it is encoded. */
export interface OutgoingMessage<T = unknown> {
  readonly stream: string;
  readonly eventType: string;
  readonly payload: T;
  readonly metadata?: Metadata;
}

/**
 * A time as ISO 8601. An id that other programs made up may hold an impossible time: the nearest
 * possible one is used.
 */
export function isoTime(ms: number): string {
  const LAST = 8.64e15;
  return new Date(Math.min(Math.max(ms || 0, 0), LAST)).toISOString();
}

/**
 * An encoded message as every source stores it: names and values in turn,
 * `[name, value, name, value, …]`. A flat list costs least to read and to write.
 *
 * A byte b that is no UTF-8 stands here as the lone surrogate U+DC00 + b. Such a message is
 * `undecodable`, and its dead letter has the same bytes: `bytesOfText(value)` returns them.
 */
export type Fields = readonly string[];

/** An encoded message on its way to a source. */
export interface OutgoingEntry {
  readonly stream: string;
  readonly fields: Fields;
  /**
   * Counts where a producer publishes the entry. A settlement publishes its entries once anyway. A
   * source that publishes before it acknowledges uses this key then, if there is one.
   */
  readonly idempotency?: Idempotency;
  /**
   * Number of replicas that must have the entry before publishing succeeds. Counts where
   * `idempotency` does.
   */
  readonly waitReplicas?: number;
  /**
   * When to publish the entry. A `DelayStore` and settlements look at this; a source's `publish`
   * does not.
   */
  readonly when?: When;
  /**
   * The fields are those of an entry that was read, and have bytes that are no UTF-8, see
   * {@link Fields}. The same bytes are to be written.
   */
  readonly hasBytes?: boolean;
  /**
   * Messages of one stream with the same key go to one partition, in the order in which they were
   * published. Any text, empty too. Without effect where the source has no partitions.
   */
  readonly key?: string;
  /**
   * Number of the partition, in place of the one that `key` gives. Comes only to a source with
   * `partitionedPublish`.
   */
  readonly partition?: number;
}

/**
 * A due time: in this many milliseconds from now, or at this time in milliseconds since the epoch.
 * The server's clock decides both.
 */
export type When = { readonly in: number } | { readonly at: number };

/** Makes publishing an entry again harmless: it lands in its stream once. */
export interface Idempotency {
  /** The producer's own name for the message. The same key in another stream is another message. */
  readonly key: string;
  /**
   * How long the key is remembered after the first publication, in milliseconds. `native`: by the
   * technology's own deduplication, and for as long as that remembers.
   */
  readonly window: IdempotencyWindow;
}

export type IdempotencyWindow = number | 'native';
