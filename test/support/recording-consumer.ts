import type { Delivery } from '../../lib/core/delivery.js';
import type { StreamsEventName, StreamsEvents } from '../../lib/core/events.js';
import { ack } from '../../lib/core/settlement.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import type { RedisOptions } from '../../lib/drivers/redis/connection/redis.options.js';
import type { StreamsOptions } from '../../lib/options/streams-options.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { inAllSlots } from './in-all-slots.js';

const EVENTS: readonly StreamsEventName[] = [
  'settled',
  'reclaimed',
  'adopted',
  'trimmed',
  'reply-broken',
  'entry-too-large',
  'entries-deleted',
  'group-recreated',
  'data-loss-suspected',
  'consumer-crashed',
  'consumer-removed',
  'disconnected',
  'connected',
  'reading-paused',
  'reading-resumed',
  'stream-unreadable',
  'delays-stuck',
  'delays-lost',
  'publish-failed',
  'worker-error',
  'warning',
];

export interface ConsumeOptions extends Partial<Omit<StreamsOptions, 'source'>> {
  readonly redis: RedisOptions;
  readonly streams: readonly string[];
  /** @default all */
  readonly eventTypes?: readonly string[];
  /** Throwing fails the run. */
  readonly handle?: (delivery: Delivery) => Promise<void> | void;
}

/** Short times, so that tests of recovery are short. */
const QUICK = { group: 'g', blockTimeout: 300, idleTimeout: 400, reclaimInterval: 100 };

/** A consumer on Redis that records what it handles and every event of the library. */
export class RecordingConsumer {
  /** Id and stream of each message that was handled, in order. */
  readonly handled: { readonly stream: string; readonly id: string }[] = [];
  readonly events: { readonly name: StreamsEventName; readonly event: unknown }[] = [];
  readonly runtime: StreamsRuntime;
  /** Runs that have begun and not ended. */
  running = 0;

  constructor(private readonly options: ConsumeOptions) {
    const { redis: connection, streams: _, handle: __, eventTypes: ___, ...given } = options;
    const slots = { ...inAllSlots(redis(connection)), ...given.slots };
    this.runtime = new StreamsRuntime({ ...QUICK, ...given, slots });
    for (const name of EVENTS) {
      this.runtime.events.on(name, (event) => this.events.push({ name, event }));
    }
  }

  static async start(options: ConsumeOptions): Promise<RecordingConsumer> {
    const consumer = new RecordingConsumer(options);
    await consumer.start();
    return consumer;
  }

  get streams(): readonly string[] {
    return this.options.streams;
  }

  start(): Promise<void> {
    const { streams, handle, eventTypes: events = ['*'] } = this.options;
    const invoke = async (delivery: Delivery) => {
      this.running++;
      await handle?.(delivery);
      this.running--;
      this.handled.push({ stream: delivery.stream, id: delivery.id });
      return ack;
    };
    return this.runtime.start([{ name: 'Recorder.handle', events, options: { streams }, invoke }]);
  }

  close(): Promise<void> {
    return this.runtime.close();
  }

  /** Publishes so many messages. @returns their ids */
  async publish(stream: string, count = 1): Promise<string[]> {
    const batch = Array.from({ length: count }, (_, payload) => ({
      eventType: 'made',
      payload,
      stream,
    }));
    const results = await this.runtime.producer.publishBatch(batch);
    for (const result of results) if (result instanceof Error) throw result;
    return results as string[];
  }

  of<N extends StreamsEventName>(name: N): StreamsEvents[N][] {
    return this.events
      .filter((event) => event.name === name)
      .map(({ event }) => event as StreamsEvents[N]);
  }

  /** Ids handled on one stream, in the order of their handling. */
  ids(stream: string): string[] {
    return this.handled.filter((handled) => handled.stream === stream).map(({ id }) => id);
  }
}
