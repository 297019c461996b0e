import type { OwnedStream } from '../../load-balancing/owned-stream.js';
import { StreamContext } from './stream.context.js';

/** One run of a `@LoadBalancedHandler`: a message of a stream that this consumer owns. */
export class LoadBalancedContext<T = unknown> extends StreamContext<T> {
  /**
   * Fencing token of the stream's owner: grows with each change of owner. Store it with what you
   * write elsewhere, and refuse there what comes with a lower one.
   */
  get token(): number {
    return this.owned.token;
  }

  /** What the producer wrote beside the name of the stream. */
  get info(): Readonly<Record<string, unknown>> {
    return this.owned.info;
  }

  /** Id of the assignment in the load balancer stream. */
  get idInLbs(): string {
    return this.owned.id;
  }

  /**
   * The stream is finished with this message: once it is settled, the assignment is completed, and
   * nothing more of the stream is handled. Where this run fails and is repeated, it has to be said
   * again.
   */
  done(): void {
    this.lease.finishing = true;
  }

  private get owned(): OwnedStream {
    return this.lease.owned as OwnedStream;
  }
}
