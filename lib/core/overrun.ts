/** Why a method counts as one that overruns. */
export type OverrunReason =
  /** It has taken longer than the handler option `timeout`. */
  | 'timeout'
  /** The stream that left the interceptors and filters has ended, and the method has not. */
  | 'stream-ended';

/** A method that overruns, as the status of a transport or consumer tells of it. */
export interface OverrunStatus {
  /** `OrderController.process` */
  readonly handler: string;
  readonly stream: string;
  readonly group: string;
  /** Of the message; of the first one where it takes batches. */
  readonly id: string;
  readonly attempt: number;
  readonly reason: OverrunReason;
  /** Since the start of the run, in milliseconds. */
  readonly runningFor: number;
  /** False: it keeps its place, because `maxOverrun` others have given back theirs, or its handler is serial. */
  readonly placeGivenBack: boolean;
}

/** A method that goes on after its timeout, or after the stream that left the filters has ended. */
export class Overrun {
  /** Resolves when the method has ended. Never rejects. */
  readonly ended: Promise<void>;
  over = false;
  /** The places of the run that other runs may have meanwhile. */
  lent: 'none' | 'shared' | 'all' = 'none';

  constructor(
    public reason: OverrunReason,
    work: Promise<unknown>,
  ) {
    const end = (): void => void (this.over = true);
    this.ended = work.then(end, end);
  }

  /** A run whose stream has ended may still fail by its timeout: that decides what becomes of it. */
  again(reason: OverrunReason): void {
    if (reason === 'timeout') this.reason = reason;
  }
}
