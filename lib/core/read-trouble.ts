/** Why the server refuses to have a stream read. */
export interface ReadRefusal {
  readonly error: Error;
  /** For how long no read of the stream has succeeded, in milliseconds. */
  readonly lasts: number;
}

/** What keeps a source from reading, for health checks. */
export interface ReadTrouble {
  /** The streams whose reads the server refuses. */
  readonly refused: ReadonlyMap<string, ReadRefusal>;
  /** For how long the oldest question to the server is without an answer, in milliseconds. 0: none is. */
  readonly unansweredFor: number;
  /**
   * For how long nothing could be read because the messages in hand fill the memory, in milliseconds.
   * 0: there is room.
   */
  readonly fullFor: number;
}

export const NO_TROUBLE: ReadTrouble = { refused: new Map(), unansweredFor: 0, fullFor: 0 };

/** What keeps a source from reading that reads in several ways at a time. */
export function allTroubles(troubles: readonly ReadTrouble[]): ReadTrouble {
  return {
    refused: new Map(troubles.flatMap(({ refused }) => [...refused])),
    unansweredFor: Math.max(0, ...troubles.map(({ unansweredFor }) => unansweredFor)),
    fullFor: Math.max(0, ...troubles.map(({ fullFor }) => fullFor)),
  };
}
