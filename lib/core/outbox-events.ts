/** The events of the outbox, by name. */
export interface OutboxEvents {
  /**
   * The message source takes nothing from the outbox: it cannot be reached, or is out of memory. The
   * messages wait, uncounted. Raised once until `outbox-resumed`.
   */
  'outbox-stalled': { readonly error: Error };
  /** The message source takes messages from the outbox again, after `stalledFor` milliseconds. */
  'outbox-resumed': { readonly stalledFor: number };
  /**
   * The message source has refused a message of the outbox. Messages of its key wait until it is tried
   * again, in `retryIn` milliseconds. Other keys go on.
   */
  'outbox-refused': {
    /** Id of the row. */
    readonly id: string;
    /** Messages with this key are published in order. */
    readonly key: string;
    readonly stream: string;
    /** How often the source has refused the message. */
    readonly refusals: number;
    readonly error: Error;
    readonly retryIn: number;
  };
  /**
   * A message of the outbox was refused too often (`maxRefusals`) and is a dead row now. Those behind it
   * go on. See docs/outbox.md#messages-that-are-refused.
   */
  'outbox-dead': {
    /** Id of the row. */
    readonly id: string;
    /** Messages with this key are published in order. */
    readonly key: string;
    readonly stream: string;
    /** How often the source has refused the message. */
    readonly refusals: number;
    readonly error: Error;
  };
  /**
   * Messages of the outbox may be published twice: a relay may have published them `since` milliseconds
   * ago and could not note it, and the message source has forgotten their keys (`idempotencyWindow`).
   */
  'outbox-doubtful': {
    readonly partition: number;
    /** Id of the first row. */
    readonly from: string;
    /** Id of the last row. */
    readonly to: string;
    readonly since: number;
  };
}
