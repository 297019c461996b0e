/** A data stream, and the input that it stands in. */
export interface StreamPlace {
  readonly stream: string;
  /** Id of the input. */
  readonly id: string;
}

/** A data stream that this consumer owns. The token is the fence. */
export interface HeldStream extends StreamPlace {
  /** Grows with each change of owner. */
  readonly token: number;
  /** Set by the driver: its last message is settled, and it waits for what other consumers have begun. */
  finishing?: boolean;
}
