/** The consumers of the service. */
export interface BalancerMembers {
  /**
   * Announces this consumer, and returns the announcements of all consumers, including this one.
   * @param noted inputs that were handed over to this consumer and that `saying` counts: they are
   * not `handed` any more
   */
  meet(saying: string, noted?: readonly string[]): Promise<readonly BalancerMember[]>;
  /** Withdraws the announcement of this consumer: `meet` of others does not return it any more. */
  leave(): Promise<void>;
}

/** A consumer of the service, as it announces itself. */
export interface BalancerMember {
  readonly consumer: string;
  /** Time since its last announcement, in milliseconds. */
  readonly age: number;
  /** What it announced. */
  readonly said: string;
  /** Inputs that were handed over to it and that it has not counted yet. */
  readonly handed: readonly HandedInput[];
}

/** An input that was handed over. */
export interface HandedInput {
  readonly id: string;
  /** The token under which the stream is owned. */
  readonly token: number;
}
