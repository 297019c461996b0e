/** A data stream, and the input that names it. */
export interface StreamPlace {
  readonly stream: string;
  /** Id of the input. */
  readonly id: string;
}

/** A data stream that this consumer owns. The token is the fence. */
export interface HeldStream extends StreamPlace {
  /** Grows with each change of owner. */
  readonly token: number;
  /**
   * Set by the driver: the last message of the stream is settled, and the stream waits for messages
   * that other consumers have begun.
   */
  finishing?: boolean;
}
