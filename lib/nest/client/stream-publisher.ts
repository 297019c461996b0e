import { InvalidMessageError, PublishBatchError } from '../../core/errors/publishing.errors.js';
import { isRecord } from '../../core/option-schema/shape.js';
import { PUBLISH_OPTIONS, type PublishOptions } from '../../options/publish-options.js';
import type { Producer } from '../../publishing/producer.js';

/** The given map, or any events where none is given, as in `app.get(StreamPublisher)`. */
type Known<Events extends object> = [keyof Events] extends [never]
  ? Record<string, unknown>
  : Events;

/** A message of a batch. Its payload has the type that the event map gives for its event type. */
export type BatchItem<Events extends object = Record<string, unknown>> = {
  [E in keyof Known<Events> & string]: {
    readonly eventType: E;
    readonly payload: Known<Events>[E];
  } & PublishOptions;
}[keyof Known<Events> & string];

/**
 * Publishes messages. Injectable. A map from event types to payloads gives the types.
 *
 * ```ts
 * constructor(private readonly publisher: StreamPublisher<{ 'order.process': Order }>) {}
 * await this.publisher.publish('order.process', order);
 * ```
 */
export class StreamPublisher<Events extends object = Record<string, unknown>> {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'StreamPublisher';

  /** @internal */
  constructor(private readonly producer: Producer) {}

  /**
   * Publishes a message. @returns the id of the message in its stream, once the server has stored
   * it; for a delayed message the id under which it waits, which begins with `delayed-`
   * @throws ConnectionError, ServerOutOfMemoryError, PayloadTooLargeError, InvalidMessageError,
   * BackpressureError, UnsupportedFeatureError, ClosedError
   * @throws NotReplicatedError with `waitReplicas`: the message is stored, but too few replicas
   * have confirmed it
   */
  async publish<E extends keyof Known<Events> & string>(
    eventType: E,
    payload: Known<Events>[E],
    options?: PublishOptions,
  ): Promise<string> {
    if (options === undefined) return this.producer.publish({ eventType, payload });
    // Spreading a text or a promise would silently give no options.
    if (!isRecord(options)) throw new InvalidMessageError(PUBLISH_OPTIONS.problems(options).join());
    return this.producer.publish({ ...options, eventType, payload });
  }

  /**
   * Publishes many messages at once, in order within each stream. Sends nothing while one of them
   * cannot be encoded, or has to wait for its `maxLag`: a batch waits as a whole. It is not a
   * transaction: the server may accept some and refuse others.
   *
   * @returns the ids, in the order of the items
   * @throws PublishBatchError with the id or error of each item, where one or more failed; an item
   * with a NotReplicatedError is stored
   * @throws BackpressureError, and nothing was sent
   */
  async publishBatch(items: readonly BatchItem<Events>[]): Promise<string[]> {
    const results = await this.producer.publishBatch(items);
    const failed = results.some((result) => result instanceof Error);
    if (failed) throw new PublishBatchError(results);
    return results as string[];
  }
}
