import { RpcException } from '@nestjs/microservices';
import type { Thrown } from './run.context.js';

/**
 * The errors of one method that have reached its exception filters and are not yet claimed by the
 * run that they ended, oldest first.
 *
 * Filters are told the error and the run, but whoever only looks on, as `@StreamHandler` does, is
 * told the error alone. What assigns it to a run: being the very error that the method threw or that
 * left the filters; having arrived in the same instant as the failure of a stream (the newest); or
 * the order, as all runs of a method take the same number of steps from their filters to their end
 * (the oldest). Only filters that wait for something can mix these up, in runs that fail together
 * and outside of the method: in guards, interceptors or pipes.
 */
export class Causes {
  private readonly errors: unknown[] = [];
  private newest = 0;
  private underWay = 0;

  /** Whether something waits to be claimed. */
  get waiting(): boolean {
    return this.errors.length > 0;
  }

  /** Grows with each error; tells whether one was recorded between two moments. */
  recorded = 0;

  begin(): void {
    this.underWay++;
  }

  end(): void {
    if (--this.underWay === 0) this.errors.length = 0;
  }

  record(error: unknown): void {
    this.recorded++;
    this.errors.push(error);
    // One was left by a run that nobody knows to have failed, or by an HTTP route to the same method.
    if (this.errors.length > this.underWay) this.errors.shift();
    this.newest++;
    queueMicrotask(() => this.newest--);
  }

  /** Claims exactly this error. */
  claim(error: unknown): boolean {
    const index = this.errors.lastIndexOf(error);
    if (index >= 0) this.errors.splice(index, 1);
    return index >= 0;
  }

  /** Claims the error that left the filters as it came, or as its `RpcException` carried it. */
  claimWhatLeft(left: unknown): Thrown | undefined {
    const index = this.errors.findIndex(
      (error) => error === left || (error instanceof RpcException && error.getError() === left),
    );
    return index >= 0 ? { error: this.errors.splice(index, 1)[0] } : undefined;
  }

  /** Claims the error recorded in this very instant. */
  claimNewest(): Thrown | undefined {
    return this.newest > 0 && this.errors.length > 0 ? { error: this.errors.pop() } : undefined;
  }

  claimOldest(): Thrown | undefined {
    return this.errors.length > 0 ? { error: this.errors.shift() } : undefined;
  }
}
