import type { Driver } from '../../ports/driver.js';
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
   * @throws UnsupportedFeatureError where the driver has no ports groups and pending
   */
  create<Events extends object = Record<string, unknown>>(
    options: StreamConsumerOptions<Events>,
  ): StreamConsumer<Events> {
    const { options: module, driver } = this.runtime;
    const given = options as StreamConsumerOptions;
    const resolved = resolveConsumerOptions(given, module, driver.ids);
    return new StreamConsumer(this.runtime, this.ports().pending, resolved);
  }

  /**
   * Checks whether a consumer of a group holds entries, and has neither read nor kept any fresh for
   * longer than `crashedAfter`. For health checks: the event `consumer-crashed` reports the same
   * without a call.
   * @param group @default that of the module
   * @throws ConsumerCrashedError for the consumer that was silent longest
   * @throws InvalidOptionsError, GroupNotFoundError, StreamNotFoundError, ConnectionError
   */
  async checkLiveness(stream: string, group?: string): Promise<void> {
    refuse(names({ stream, ...(group !== undefined && { group }) }));
    const { groups, pending } = this.ports();
    const { options } = this.runtime;
    if (!knowsConsumers(groups)) {
      throw new UnsupportedFeatureError(
        'checkLiveness',
        this.runtime.slots.technology,
        'Its server knows groups, and none of their consumers. Look at the processes themselves.',
      );
    }
    const query = { stream, group: group ?? options.group, crashedAfter: options.crashedAfter };
    const [crashed] = await crashedConsumers(groups, pending, query);
    if (crashed) throw crashed;
  }

  private ports(): Required<Pick<Driver, 'groups' | 'pending'>> {
    const { groups, pending } = this.runtime.driver;
    if (groups && pending) return { groups, pending };
    throw new UnsupportedFeatureError(
      'StreamConsumers',
      this.runtime.slots.technology,
      'Use @StreamHandler, or a driver that has the ports groups and pending.',
    );
  }
}
