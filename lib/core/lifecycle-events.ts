/** The events of a transport from its start to its end, by name. */
export interface LifecycleEvents {
  /**
   * This transport begins to read: its handlers are bound, and its groups exist. Raised once.
   * `consumers`: one for each group and set of streams that are read together.
   */
  started: {
    readonly consumers: readonly {
      readonly group: string;
      readonly streams: readonly string[];
    }[];
  };
  /**
   * Each consumer that the transport began with has asked its source for messages. Raised once,
   * `after` milliseconds since `started`.
   */
  ready: { readonly after: number };
  /**
   * The transport reads nothing new, and waits for its runs: at SIGTERM, at `close()`, or because it
   * could not start. Raised once. `runs`: number of messages that it holds.
   */
  stopping: { readonly runs: number };
  /** The transport reads no more and no run of it is awaited, `after` milliseconds since `stopping`. */
  stopped: { readonly after: number };
}
