import { UnsupportedFeatureError } from '../core/errors/start-up.errors.js';
import type { GroupLag } from '../core/lag.js';
import type { Worker } from '../core/worker.js';
import { Relay } from '../outbox/relay.js';
import type { OutboxStore } from '../ports/outbox-store.js';
import type { Producer } from '../publishing/producer.js';
import type { OpenedOutbox } from './postgres.outbox.js';
import type { StreamsRuntime } from './streams-runtime.js';

/** Stream and group under which the lag of the outbox stands among those of groups. */
const LAG = { stream: '$outbox', group: 'relay' };

/** An outbox, and the relay that publishes what waits in it to the message source of a runtime. */
export class RunningOutbox implements Worker {
  readonly store: OutboxStore;
  readonly producer: Producer;
  /** Undefined: this process only writes. */
  readonly relay: Relay | undefined;
  private readonly endLag: () => void;

  /** @throws UnsupportedFeatureError where the source cannot publish once */
  constructor({ store, settings }: OpenedOutbox, runtime: StreamsRuntime) {
    const { events, clock, options, producer, driver } = runtime;
    this.store = store;
    this.producer = producer;
    const { technology, idempotentPublish } = driver.source.capabilities;
    if (settings.relay && !idempotentPublish) {
      const advice = 'Set relay: false, and let a process with another message source publish.';
      throw new UnsupportedFeatureError('Publishing from the outbox once', technology, advice);
    }
    const native = idempotentPublish === 'native';
    this.relay = settings.relay
      ? new Relay({
          ...settings,
          store,
          clock,
          events,
          idempotencyWindow: native
            ? 'native'
            : (settings.idempotencyWindow ?? options.idempotencyWindow),
          publish: (entries) => producer.publishEncoded(entries),
        })
      : undefined;
    this.endLag = runtime.lag.include(LAG.stream, () => this.lag());
  }

  async start(): Promise<void> {
    await this.relay?.start();
  }

  async stop(): Promise<void> {
    this.endLag();
    await this.relay?.stop();
  }

  async close(): Promise<void> {
    await this.stop();
    await this.store.close();
  }

  private async lag(): Promise<GroupLag> {
    const { waiting, oldestAge, relays } = await this.store.lag();
    return {
      ...LAG,
      length: waiting,
      lag: waiting,
      timeLag: oldestAge,
      pending: 0,
      oldestPendingAge: 0,
      consumers: relays,
    };
  }
}
