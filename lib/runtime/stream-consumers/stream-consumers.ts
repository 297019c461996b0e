import { UnsupportedFeatureError } from '../../core/errors/start-up.errors.js';
import {
  resolveConsumerOptions,
  type StreamConsumerOptions,
} from '../../options/stream-consumer-options.js';
import { names, refuse } from '../../core/option-schema/refuse.js';
import type { StreamsRuntime } from '../streams-runtime.js';
import { crashedConsumers, knowsConsumers } from './liveness.js';
import { StreamConsumer } from './stream-consumer.js';

/**
 * Makes consumers that run without a controller, over the connections of their module. Injectable.
 *
 * ```ts
 * constructor(private readonly consumers: StreamConsumers) {}
 *
 * interface Events { 'order.paid': Order; 'order.refunded': Refund }
 *
 * const consumer = this.consumers.create<Events>({ stream: 'orders', group: 'billing' });
 * await consumer.start(async ({ payload }) => {
 *   await this.bill(payload.orderId);
 *   return true;
 * }, ['order.paid']);
 * ```
 */
export class StreamConsumers {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'StreamConsumers';

  /** @internal */
  constructor(private readonly runtime: StreamsRuntime) {}

  /**
   * Makes a consumer of one or several streams in a group. The consumer does nothing before its
   * `start`.
   *
   * @typeParam Events map from event types to payloads, like that of `StreamPublisher`. It gives the
   * messages of `start` and `subscribe` their types. Nothing checks payloads at run time
   * @throws InvalidOptionsError naming every problem
   */
  create<Events extends object = Record<string, unknown>>(
    options: StreamConsumerOptions<Events>,
  ): StreamConsumer<Events> {
    const { options: module, driver } = this.runtime;
    const given = options as StreamConsumerOptions;
    const resolved = resolveConsumerOptions(given, module, driver.ids);
    return new StreamConsumer(this.runtime, resolved);
  }

  /**
   * Checks whether a consumer of a group holds entries, and has neither read nor kept any fresh for
   * longer than `crashedAfter`. For health checks: the event `consumer-crashed` reports the same
   * without a call.
   * @param group @default that of the module
   * @throws ConsumerCrashedError for the consumer that was silent longest
   * @throws InvalidOptionsError, GroupNotFoundError, StreamNotFoundError, ConnectionError
   * @throws UnsupportedFeatureError where the driver does not know the consumers of a group
   */
  async checkLiveness(stream: string, group?: string): Promise<void> {
    refuse(names({ stream, ...(group !== undefined && { group }) }));
    const { options, driver } = this.runtime;
    const { groups, pending } = driver;
    if (!groups || !pending || !knowsConsumers(groups)) {
      throw new UnsupportedFeatureError(
        'checkLiveness',
        this.runtime.slots.technology,
        'It does not know the consumers of a group. Look at the processes themselves.',
      );
    }
    const query = { stream, group: group ?? options.group, crashedAfter: options.crashedAfter };
    const [crashed] = await crashedConsumers(groups, pending, query);
    if (crashed) throw crashed;
  }
}
