/** Why a method overruns. */
export type OverrunReason =
  /** The run has taken longer than the handler option `timeout`. */
  | 'timeout'
  /** The stream that left the interceptors and filters has ended, and the method has not. */
  | 'stream-ended';

/** An overrunning method, in the status of a transport or consumer. */
export interface OverrunStatus {
  /** `OrderController.process` */
  readonly handler: string;
  readonly stream: string;
  readonly group: string;
  /** Id of the message; of the first one of a batch. */
  readonly id: string;
  readonly attempt: number;
  readonly reason: OverrunReason;
  /** Time since the start of the run, in milliseconds. */
  readonly runningFor: number;
  /**
   * False: the method keeps its slot, because `maxOverrun` others have given theirs back, or
   * because its handler is serial.
   */
  readonly slotGivenBack: boolean;
}

/** A method that goes on after its timeout, or after the stream that left the filters has ended. */
export class Overrun {
  /** Resolves when the method has ended. Never rejects. */
  readonly ended: Promise<void>;
  over = false;
  /** The slots of the run that other runs may use meanwhile. */
  lent: 'none' | 'shared' | 'all' = 'none';

  constructor(
    public reason: OverrunReason,
    work: Promise<unknown>,
  ) {
    const end = (): void => void (this.over = true);
    this.ended = work.then(end, end);
  }

  /**
   * A run whose stream has ended may still fail by its timeout. Then the timeout decides the
   * settlement.
   */
  again(reason: OverrunReason): void {
    if (reason === 'timeout') this.reason = reason;
  }
}
