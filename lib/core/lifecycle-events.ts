/** The events of a transport from its start to its end, by name. */
export interface LifecycleEvents {
  /**
   * This transport begins to read: its handlers are bound, and its groups exist. Raised once.
   * `consumers`: the groups, each with streams that it reads. Load balanced streams are not among them.
   */
  started: {
    readonly consumers: readonly {
      readonly group: string;
      readonly streams: readonly string[];
    }[];
  };
  /**
   * Each reader with which the transport began has asked the message source for messages, or is
   * paused. Raised once, `after` milliseconds since `started`.
   */
  ready: { readonly after: number };
  /**
   * The transport reads nothing new and waits for its runs: the application ends, or `close()` was
   * called. Raised once, `after` milliseconds since `started`, and not where it could not start.
   */
  stopping: { readonly after: number };
  /** No run of the transport is awaited any more, `after` milliseconds since `stopping`. */
  stopped: { readonly after: number };
}
