import type { Committer, Delivery } from '../../core/delivery.js';
import type { Lease } from '../../core/lease.js';
import type { Settlement, SettleOutcome } from '../../core/settlement.js';

/** Records how far one consumer has come. */
export interface ProgressRecorder extends Committer {
  /**
   * Where the consumer resumes these streams. Undefined: the source remembers.
   * @throws where that cannot be read
   */
  positions(streams: readonly string[]): Promise<ReadonlyMap<string, string> | undefined>;
  /**
   * The consumer reads these streams now.
   * @param began behind which ids it has begun, where a restart could not find that out
   */
  started(streams: Iterable<string>, began?: ReadonlyMap<string, string>): Promise<void>;
  /**
   * Call it with entries in the order in which they come. Undefined: the recorder need not know of
   * them.
   */
  readonly handedOut: ((leases: readonly Lease[]) => void) | undefined;
  /** Call it when the outcome of a settlement is known. */
  settled(delivery: Delivery, settlement: Settlement, outcome: SettleOutcome): void;
  /**
   * Call it where a delivery ends without a settlement.
   * @param gone no run can have the entry any more
   */
  dropped(delivery: Delivery, gone: boolean): void;
  /** The message was acknowledged by its id, and not by the end of a run. */
  acknowledged(stream: string, id: string): void;
  /** Records what is settled of these streams. Resolves within a second, and never rejects. */
  flush(streams: Iterable<string>): Promise<void>;
  /**
   * As `flush`, once this consumer has given up the stream.
   * @param completed no consumer will read the stream any more, so its record is deleted
   */
  leave(stream: string, completed: boolean): Promise<void>;
  /** Records the last settlements. Resolves within a second, and never rejects. */
  stop(): Promise<void>;
}

/** Tells the recorder of entries before any of them can be settled. */
export function followed<Result>(
  accept: (leases: readonly Lease[]) => Result,
  recorder: ProgressRecorder | undefined,
): (leases: readonly Lease[]) => Result {
  const handedOut = recorder?.handedOut;
  if (!handedOut) return accept;
  return (leases) => {
    handedOut(leases);
    return accept(leases);
  };
}
