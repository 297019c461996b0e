import type { OwnedStream } from '../../load-balancing/owned-stream.js';
import { StreamContext } from './stream.context.js';

/** One run of a `@LoadBalancedHandler`: a message of a stream that this consumer owns. */
export class LoadBalancedContext<T = unknown> extends StreamContext<T> {
  /**
   * Fencing token of the stream's owner: grows with each change of owner. Store it with what you
   * write elsewhere, and refuse writes with a lower token there.
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
   * Finishes the stream with this message: once the message is settled, the assignment is
   * completed, and no more messages of the stream are handled. Call it again where this run fails
   * and is repeated.
   */
  done(): void {
    this.lease.finishing = true;
  }

  private get owned(): OwnedStream {
    return this.lease.owned as OwnedStream;
  }
}
