import { Observable } from 'rxjs';
import type { Balancer } from '../../load-balancing/balancer.js';
import type { OwnedStream } from '../../load-balancing/owned-stream.js';
import type {
  Notifications,
  StreamNotification,
  StreamPayload,
} from '../../load-balancing/notifications.js';

/** What happens to the streams of this consumer, as an Observable and for `for await`. */
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
 * Shares whole streams out between the consumers of a service, each stream to one of them at a time.
 * Speaks the protocol of redis-stream-client-go, whose consumers may take part.
 *
 * ```ts
 * for await (const notification of this.balancer.init()) {
 *   if (notification.type === 'StreamAdded') this.work(notification.payload.dataStreamName);
 * }
 * ```
 */
export class LoadBalancer {
  /** @internal */
  constructor(private readonly balancer: Balancer) {}

  /** Name of this consumer. */
  get id(): string {
    return this.balancer.id;
  }

  get service(): string {
    return this.balancer.service;
  }

  /**
   * Joins the service, and tells what happens from now on: to the first listener all of it, to others
   * what happens while they listen. Where it cannot join, `StreamTerminated` says why. A second call
   * answers the same.
   *
   * No streams are taken while 500 notifications wait, for a `for await` that does not go on or for a
   * first listener.
   */
  init(): StreamNotifications {
    return new StreamNotifications(this.balancer.init());
  }

  /**
   * Announces a data stream; some consumer will own it. Works without `init`.
   * @param info anything that JSON can say; told with each notification about the stream
   * @returns id in the load balancer stream
   * @throws InvalidOptionsError where nobody could read it
   */
  addStream(dataStreamName: string, info: Readonly<Record<string, unknown>> = {}): Promise<string> {
    return this.balancer.add(dataStreamName, info);
  }

  /**
   * Takes a stream that has lost its owner, with the payload of `StreamExpired`.
   * @throws ClaimFailedError where another consumer was faster, or it is finished
   */
  claim(payload: StreamPayload): Promise<OwnedStream> {
    return this.balancer.claim(payload);
  }

  /**
   * The stream is finished: its lock, its entry and its assignment end in one step. May be called
   * again, also after it has succeeded. Inside a `@LoadBalancedHandler` use `context.done()`.
   * @throws StreamNotOwnedError where it belongs to another consumer
   */
  doneStream(dataStreamName: string): Promise<void> {
    return this.balancer.complete(dataStreamName);
  }

  /** Completes all streams, once the messages in hand are settled, and ends. */
  done(): Promise<void> {
    return this.balancer.end(true, 'done');
  }

  /**
   * Gives all streams back unfinished, once the messages in hand are settled, and ends: what happens
   * at a shutdown, too.
   */
  release(): Promise<void> {
    return this.balancer.end(false, 'released');
  }

  /** What this consumer owns, each with its fencing `token` and a `signal` that aborts with it. */
  streams(): readonly OwnedStream[] {
    return this.balancer.streams();
  }
}
