import { BaseRpcContext } from '@nestjs/microservices';
import type { Delivery } from '../../core/delivery.js';
import type { DeadLetterIt, Retry } from '../../core/settlement.js';

/** How far a run came: what failed before `Handler` never reached the method. */
export const Stage = { Entered: 0, Pipes: 1, Handler: 2 } as const;

const NO_ARGS: unknown[] = [];

/** A thrown value, which may be `undefined` itself. */
export interface Thrown {
  readonly error: unknown;
}

/** Written by what `@StreamHandler` puts around a method, read by the invoker. */
class RunState {
  stage: number = Stage.Entered;
  /** Number under which the run passes the pipes. */
  ticket = 0;
  /** Interceptors stand around the method, and call it when their stream is subscribed to. */
  intercepted = false;
  /** What the method returned. */
  returned: unknown = undefined;
  /** The last value of the Observable that it returned. */
  last: unknown = undefined;
  /** What the method threw at once, or the Observable that it returned. */
  thrown: Thrown | undefined = undefined;
  /** What reached the exception filters, where that is known of this very run. */
  filtered: Thrown | undefined = undefined;
  /** Followed by an AsyncLocalStorage, because pipes do not let a number through. */
  followed = false;
  asked: Retry | DeadLetterIt | undefined = undefined;
  /** Calls of the method that have not ended: counted where its stream may end before it. */
  underWay = 0;
  /** Told when the last of them has. */
  onEnded: (() => void) | undefined = undefined;

  callBegan(): void {
    this.underWay++;
  }

  callEnded(): void {
    if (--this.underWay === 0) this.onEnded?.();
  }
}

/** One run of a method, of a message or of a batch. */
export abstract class RunContext extends BaseRpcContext {
  /** @internal What became of the run so far, for whoever decides on its outcome. */
  readonly run: RunState = new RunState();

  constructor() {
    super(NO_ARGS);
  }

  /** @internal What is handled. */
  abstract get runs(): Delivery | readonly Delivery[];

  /** @internal What the method is given beside this. */
  abstract get given(): unknown;

  /** @internal Ends an Observable: when the signal aborts, or at once where it has. */
  abstract whenAborted(stop: (reason: unknown) => void): void;

  /** @internal The method goes on after its stream has ended. @param work settles when it has ended */
  abstract outlived(work: Promise<void>): void;

  /** @internal For another run of the same, as if there had been none. */
  abstract again(): RunContext;
}
