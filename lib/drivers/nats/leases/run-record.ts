/**
 * What became of the run that a record tells of. Without a state the lease holds the entry, until the
 * server delivers it again.
 * - `kept`: the lease was late, and holds the entry again. The server may deliver it once more all the same:
 *   the record decides for `ackWait`, and the lease writes it again before that has passed.
 * - `released`: others may take it.
 * - `offered`: consumers of other subscriptions may take it.
 * - `done`: the entry is settled.
 */
export type RunState = 'kept' | 'released' | 'offered' | 'done';

/** What is kept of an entry whose first run did not simply succeed. */
export interface RunRecord {
  /** Runs that count. */
  readonly runs: number;
  /** The lease that wrote it. */
  readonly by: string;
  /** It answers for all deliveries of the durable up to this one: they claim nothing any more. */
  readonly upTo: number;
  /** Generation of the durable. A record of an older one says nothing of an entry. */
  readonly generation: number;
  readonly state?: RunState;
}

/** A record, and the revision to compare with when the next one is written. */
export interface KeptRecord extends RunRecord {
  readonly revision: number;
  /** When it was written, by the server's clock, in milliseconds since the epoch. */
  readonly time: number;
}

/** As it is stored, by short names. */
interface Stored {
  readonly n: number;
  readonly by: string;
  readonly c: number;
  readonly g: number;
  readonly s?: RunState;
}

export const toStored = ({ runs, by, upTo, generation, state }: RunRecord): string =>
  JSON.stringify({
    n: runs,
    by,
    c: upTo,
    g: generation,
    ...(state && { s: state }),
  } satisfies Stored);

export function fromStored(text: string, revision: number, time: number): KeptRecord {
  const { n, by, c, g, s } = JSON.parse(text) as Stored;
  return { runs: n, by, upTo: c, generation: g, ...(s && { state: s }), revision, time };
}
