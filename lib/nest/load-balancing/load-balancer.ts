import { Observable } from 'rxjs';
import type { Balancer } from '../../load-balancing/balancer.js';
import type { OwnedStream } from '../../load-balancing/owned-stream.js';
import type { BalancedServices } from '../../runtime/balanced-services.js';
import type {
  Notifications,
  StreamNotification,
  StreamPayload,
} from '../../load-balancing/notifications.js';

/** The notifications of this consumer, as an Observable and for `for await`. */
export class StreamNotifications
  extends Observable<StreamNotification>
  implements AsyncIterable<StreamNotification>
{
  /** @internal */
  constructor(private readonly log: Notifications) {
    super((subscriber) =>
      log.listen(
        (notification) => subscriber.next(notification),
        () => subscriber.complete(),
      ),
    );
  }

  [Symbol.asyncIterator](): AsyncIterator<StreamNotification, undefined> {
    return this.log[Symbol.asyncIterator]();
  }
}

/**
 * Shares whole streams out between the consumers of a service, each stream to one consumer at a
 * time. Speaks the protocol of redis-stream-client-go, whose consumers may take part.
 *
 * ```ts
 * for await (const notification of this.balancer.init()) {
 *   if (notification.type === 'StreamAdded') this.work(notification.payload.dataStreamName);
 * }
 * ```
 */
export class LoadBalancer {
  /** @internal */
  constructor(
    private readonly balancer: Balancer,
    private readonly services: Pick<BalancedServices, 'end' | 'complete'>,
  ) {}

  /** Name of this consumer. */
  get id(): string {
    return this.balancer.id;
  }

  /** Name of the service. */
  get service(): string {
    return this.balancer.service;
  }

  /**
   * Joins the service, and returns its notifications. The first listener gets all of them, later
   * listeners those that come while they listen. Where joining fails, `StreamTerminated` says why.
   * A second call returns the same.
   *
   * This consumer takes no more streams while 500 notifications wait for their reader.
   */
  init(): StreamNotifications {
    return new StreamNotifications(this.balancer.init());
  }

  /**
   * Announces a data stream; some consumer will own it. Works without `init`.
   * @param info any JSON object; part of each notification about the stream
   * @returns the id of the assignment in the load balancer stream
   * @throws InvalidOptionsError where consumers could not read the announcement
   */
  addStream(dataStreamName: string, info: Readonly<Record<string, unknown>> = {}): Promise<string> {
    return this.balancer.add(dataStreamName, info);
  }

  /**
   * Takes a stream that has lost its owner, with the payload of `StreamExpired`.
   * @throws ClaimFailedError where another consumer was faster, or the stream is finished
   */
  claim(payload: StreamPayload): Promise<OwnedStream> {
    return this.balancer.claim(payload);
  }

  /**
   * Finishes a stream: its lock, its entry and its assignment end in one step. May be called again,
   * also after it has succeeded. Called by the handler of one of its messages, it does the same as
   * `context.done()`: the stream is finished once that message is settled.
   * @throws StreamNotOwnedError where another consumer owns the stream
   */
  doneStream(dataStreamName: string): Promise<void> {
    return this.services.complete(this.balancer, dataStreamName);
  }

  /**
   * Completes all streams, once the messages under way are settled, and ends. Called by a handler,
   * it resolves when the other handlers have ended; the handler's own stream follows.
   */
  done(): Promise<void> {
    return this.services.end(this.balancer, true);
  }

  /**
   * Gives all streams back unfinished, once the messages under way are settled, and ends. A
   * shutdown does the same. Called by a handler, it resolves when the other handlers have ended;
   * the handler's own stream follows.
   */
  release(): Promise<void> {
    return this.services.end(this.balancer, false);
  }

  /**
   * The streams that this consumer owns, each with its fencing `token` and a `signal` that aborts
   * when the stream is lost or let go.
   */
  streams(): readonly OwnedStream[] {
    return this.balancer.streams();
  }
}
