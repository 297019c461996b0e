import { UnsupportedFeatureError } from '../core/errors/start-up.errors.js';
import {
  resolveConsumerOptions,
  type StreamConsumerOptions,
} from '../options/stream-consumer-options.js';
import type { StreamsRuntime } from '../runtime.js';
import { StreamConsumer } from './stream-consumer.js';

/**
 * Makes consumers that run without a controller, by the engine and over the connections of their
 * module. Injectable.
 *
 * ```ts
 * constructor(private readonly consumers: StreamConsumers) {}
 *
 * const consumer = this.consumers.create({ stream: 'orders', group: 'billing' });
 * await consumer.subscribe(async (message) => {
 *   await this.bill(message.payload);
 *   return true;
 * }, ['order.paid']);
 * ```
 */
export class StreamConsumers {
  constructor(private readonly runtime: StreamsRuntime) {}

  /**
   * Makes a consumer of a stream, or of several, in a group. It does nothing before its `subscribe`.
   * @throws InvalidOptionsError naming every problem
   * @throws UnsupportedFeatureError where the driver cannot tell what is pending
   */
  create(options: StreamConsumerOptions): StreamConsumer {
    const { pending } = this.runtime.driver;
    if (!pending) {
      throw new UnsupportedFeatureError(
        'StreamConsumers',
        this.runtime.options.source.technology,
        'Use @StreamHandler, or a driver that has the port pending.',
      );
    }
    const resolved = resolveConsumerOptions(options, this.runtime.options);
    return new StreamConsumer(this.runtime, pending, resolved);
  }
}
