/** String map carried beside a payload, for example trace headers. */
export type Metadata = Readonly<Record<string, string>>;

/** What a producer published, as a handler sees it. */
export interface Message<T = unknown> {
  /** Id given by the source, unique within the stream. On Redis `<ms>-<sequence>`. */
  readonly id: string;
  readonly stream: string;
  readonly eventType: string;
  readonly payload: T;
  readonly metadata: Metadata;
  /** When it was published, ISO 8601. */
  readonly timestamp: string;
}

/** What a producer hands to a codec before it is written to a stream. */
export interface OutgoingMessage<T = unknown> {
  readonly stream: string;
  readonly eventType: string;
  readonly payload: T;
  readonly metadata?: Metadata;
}

/** ISO 8601, also of ids that others made up: the nearest time that there is. */
export function isoTime(ms: number): string {
  const LAST = 8.64e15;
  return new Date(Math.min(Math.max(ms || 0, 0), LAST)).toISOString();
}

/**
 * An encoded message as every source stores it: names and values in turn,
 * `[name, value, name, value, …]`. Flat, because that is what costs least to read and to write.
 * A byte b that is no UTF-8 stands here as the lone surrogate U+DC00 + b. The message is `undecodable`
 * then, and its dead letter has the same bytes: `bytesOfText(value)` gives them.
 */
export type Fields = readonly string[];

/** An encoded message on its way to a source. */
export interface OutgoingEntry {
  readonly stream: string;
  readonly fields: Fields;
  /** Looked at where it is published, not where a settlement publishes it: that is done once anyway. */
  readonly idempotency?: Idempotency;
  /** Published only when so many replicas have it. Looked at in the same places. */
  readonly waitReplicas?: number;
  /** Published later. Looked at where a settlement publishes it, and by a `DelayStore`, not by a source. */
  readonly when?: When;
}

/** A time: so many ms from now, or at this ms since the epoch. The server's clock decides both. */
export type When = { readonly in: number } | { readonly at: number };

/** Makes an entry land once in its stream, however often it is published. */
export interface Idempotency {
  /** The producer's own name for the message. The same key in another stream is another message. */
  readonly key: string;
  /**
   * How long the key is remembered from the first publication on, ms. `native`: the technology's own
   * deduplication, for as long as that remembers.
   */
  readonly window: IdempotencyWindow;
}

export type IdempotencyWindow = number | 'native';
