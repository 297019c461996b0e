/** The connection that an event is about. */
export interface Connected {
  /**
   * `commands`, `publisher`, `replicated`, `reader`, `replies` or `hints`:
   * docs/redis-keys.md#connections.
   */
  readonly role: string;
  /** A number, different for each connection of one role. */
  readonly connection?: number;
  /** The slots that the driver of this connection fills, where different drivers fill slots. */
  readonly slots?: readonly string[];
}
