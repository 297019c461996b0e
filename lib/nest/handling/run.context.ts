import { BaseRpcContext } from '@nestjs/microservices';
import { Delivery } from '../../core/delivery.js';
import type { DeadLetterIt, Retry } from '../../core/settlement.js';

const NO_ARGS: unknown[] = [];

/** A thrown value, which may itself be `undefined`. */
export interface Thrown {
  readonly error: unknown;
}

/** What {@link watchNest} and the context note of a run, for the invoker. */
export class RunState {
  /** Rejects where a pipe refused an argument. Undefined: no pipe was reached. */
  piped: Promise<void> | undefined = undefined;
  /** The error that reached the exception filters. */
  filtered: Thrown | undefined = undefined;
  /** An Observable has left the filters before the method was called. */
  deferred = false;
  /** Interceptors stand around the method, and have called it. */
  intercepted = false;
  /**
   * What the last call of the method returned, behind interceptors. Undefined where that call
   * failed.
   */
  returned: unknown = undefined;
  /** What left the filters. Undefined where an error did. */
  result: unknown = undefined;
  asked: Retry | DeadLetterIt | undefined = undefined;
  /** Number of calls of the method, behind interceptors, that have not ended. */
  underWay = 0;
  /** Called when the last of them has ended. */
  onEnded: (() => void) | undefined = undefined;

  callBegan(): void {
    this.intercepted = true;
    this.underWay++;
    this.returned = undefined;
  }

  callEnded(): void {
    if (--this.underWay === 0) this.onEnded?.();
  }
}

/** One run of a method, for a message or for a batch. */
export abstract class RunContext extends BaseRpcContext {
  /** @internal The notes of the run so far. The invoker decides its outcome by them. */
  readonly run: RunState = new RunState();

  constructor() {
    super(NO_ARGS);
  }

  /** @internal The deliveries of the run. */
  abstract get runs(): Delivery | readonly Delivery[];

  /** @internal Whether the method has returned an Observable. */
  set lazyResult(lazy: boolean) {
    const { runs } = this;
    if (runs instanceof Delivery) runs.lazyResult = lazy;
    else for (const delivery of runs) delivery.lazyResult = lazy;
  }

  /** @internal Ends an Observable: when the signal aborts, or at once where it has. */
  abstract whenAborted(stop: (reason: unknown) => void): void;

  /**
   * @internal The method goes on after its stream has ended. @param work settles when it has ended
   */
  abstract outlived(work: Promise<void>): void;
}
